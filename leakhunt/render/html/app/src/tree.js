// From the tree of the data to the one that is drawn: chosen processes, own code, packages, turned round.
export class Stacks {
  constructor(data) {
    this.data = data;
    this.paths = new Map();
  }

  // The frames from the outermost to where node ends, and how many stacks it stands for (0: itself).
  path(node) {
    let found = this.paths.get(node);
    if (!found) {
      const { parents, frames, smaller } = this.data.tree;
      const steps = [];
      for (let at = node; at > 0; at = parents[at]) if (frames[at] >= 0) steps.push(frames[at]);
      found = { steps: steps.reverse(), smaller: smaller[node] ?? 0 };
      this.paths.set(node, found);
    }
    return found;
  }

  isOwn(frame) {
    return this.data.files[this.data.frames[frame][0]][3] === "app";
  }

  // What tells boxes of one function apart comes first: a narrow box shows no more.
  label(frame) {
    const [file, line, name, code] = this.data.frames[frame];
    const short = this.data.files[file][1];
    const where = name ? `${name}:${line}  ${short}` : `${short}:${line}`;
    return code ? `${where}  ${code}` : where;
  }

  package(frame) {
    return this.data.files[this.data.frames[frame][0]][2];
  }

  kind(frame) {
    return this.data.files[this.data.frames[frame][0]][3];
  }

  // What a stack is called on the way from the outermost frame: keys with the frame that each stands for.
  keyed(at, own, keyOf) {
    const { steps, smaller } = this.path(at);
    const shown = own ? steps.filter((frame) => this.isOwn(frame)) : steps;
    const keys = shown.map(keyOf);
    const last = smaller && !own ? "smaller" : keys.length ? null : own ? "none" : smaller ? "smaller" : "unknown";
    return { keys, shown, last };
  }

  // Where a function is: its name and file, or its line where it has no name.
  functionOf(frame) {
    const [file, line, name] = this.data.frames[frame];
    return name ? `${file} ${name}` : `${file}:${line}`;
  }

  // Every function (or package) with the bytes of stacks that end in it (self) and that pass through it (total): in
  // each stack once, however often it calls itself. apart: what ends in no function. options as for tree.
  functions({ process, changed, own, packages }) {
    const rows = new Map();
    const apart = new Map();
    const sum = amounts();
    const keyOf = packages ? (frame) => this.package(frame) : (frame) => this.functionOf(frame);
    const ways = [];
    for (const ends of process === "all" ? this.data.tree.ends : [this.data.tree.ends[process]]) {
      for (const [at, now, grown, shrunk] of ends) {
        if (!(changed ? grown + shrunk : now)) continue;
        const { keys, shown, last } = this.keyed(at, own, keyOf);
        const four = { now, grown, shrunk };
        plus(sum, four);
        ways.push({ keys, last, four });
        const seen = new Set();
        keys.forEach((key, index) => {
          if (!rows.has(key)) rows.set(key, this.described(key, shown[index], packages));
          if (!seen.has(key)) plus(rows.get(key).total, four);
          seen.add(key);
        });
        if (last === null) plus(rows.get(keys[keys.length - 1]).self, four);
        else {
          if (!apart.has(last)) apart.set(last, amounts());
          plus(apart.get(last), four);
        }
      }
    }
    return { rows, apart, sum, ways };
  }

  described(key, frame, packages) {
    const [file, line, name] = this.data.frames[frame];
    const [path, short] = this.data.files[file];
    const told = packages ? { name: key, short: "", path: "" } : { name: name || `${short}:${line}`, short: name ? short : "", path };
    return { key, own: this.isOwn(frame), sought: name ? `${name} ${path}:` : `${path}:${line}`, self: amounts(), total: amounts(), ...told };
  }

  // From where stacks come to that function first, and where they go on from it last, with their bytes.
  around({ ways }, key) {
    const callers = new Map();
    const callees = new Map();
    const into = (sums, name, four) => {
      if (name === undefined || name === null) return;
      if (!sums.has(name)) sums.set(name, amounts());
      plus(sums.get(name), four);
    };
    for (const { keys, last, four } of ways) {
      const first = keys.indexOf(key);
      if (first < 0) continue;
      into(callers, keys[first - 1], four);
      into(callees, keys[keys.lastIndexOf(key) + 1] ?? last, four);
    }
    return { callers, callees };
  }

  // options: process ("all" or a number), changed (bytes that grew or shrank, else what is alive), inverted, own, packages
  tree({ process, changed, inverted, own, packages, every }) {
    const root = node("all", null, "root");
    const chosen = (process === "all" ? this.data.tree.ends : [this.data.tree.ends[process]]).flat();
    const weightOf = ([, now, grown, shrunk]) => (changed ? grown + shrunk : now);
    // What has no width is alive all the same: it counts in every box that it passes, and makes none.
    for (const wide of [true, false]) {
      for (const end of chosen) {
        const [at, ...amounts] = end;
        const weight = weightOf(end);
        if (wide !== weight > 0) continue;
        const { steps, smaller } = this.path(at);
        let shown = own ? steps.filter((frame) => this.isOwn(frame)) : steps;
        let keyed = shown.map((frame) => [packages ? `p${this.package(frame)}` : `f${frame}`, frame]);
        if (packages) keyed = keyed.filter(([key], index) => index === 0 || key !== keyed[index - 1][0]);
        if (!keyed.length) keyed = [[own ? "none" : smaller ? "smaller" : "unknown", -1]];
        else if (smaller && !packages && !own) keyed = [...keyed, ["smaller", -1]];
        if (inverted) keyed = keyed.reverse();
        add(root, weight, amounts);
        let here = root;
        for (const [key, frame] of keyed) {
          let next = here.index.get(key);
          if (!next && !wide) break;
          if (!next) {
            next = node(this.named(key, frame, packages), frame < 0 ? null : frame, key);
            here.index.set(key, next);
            here.children.push(next);
          }
          add(next, weight, amounts);
          here = next;
        }
        if (smaller && wide) here.smaller += smaller;
      }
    }
    if (!every && !packages) this.fold(root);
    sorted(root);
    return root;
  }

  // Library frames that only lead to the next one are folded into it.
  fold(root) {
    const todo = [root];
    while (todo.length) {
      const at = todo.pop();
      at.children = at.children.map((child) => {
        let shown = child;
        while (shown.children.length === 1 && shown.children[0].value === shown.value && shown.children[0].frame !== null && !this.isOwn(shown.frame)) {
          const next = shown.children[0];
          next.through = [...shown.through, shown.frame];
          shown = next;
        }
        return shown;
      });
      todo.push(...at.children);
    }
  }

  named(key, frame, packages) {
    if (key === "smaller") return "smaller";
    if (key === "none") return "no line of your own code";
    if (key === "unknown") return "unknown";
    return packages ? this.package(frame) : this.label(frame);
  }
}

function node(name, frame, key) {
  return { name, frame, key, value: 0, now: 0, grown: 0, shrunk: 0, blocks: 0, moreBlocks: 0, smaller: 0, through: [], children: [], index: new Map() };
}

function amounts() {
  return { now: 0, grown: 0, shrunk: 0 };
}

function plus(to, { now, grown, shrunk }) {
  to.now += now;
  to.grown += grown;
  to.shrunk += shrunk;
}

function add(to, weight, [now, grown, shrunk, blocks, moreBlocks]) {
  to.value += weight;
  to.now += now;
  to.grown += grown;
  to.shrunk += shrunk;
  to.blocks += blocks;
  to.moreBlocks += moreBlocks;
}

function sorted(root) {
  const todo = [root];
  while (todo.length) {
    const at = todo.pop();
    at.children.sort((one, other) => other.value - one.value || (one.name < other.name ? -1 : 1));
    todo.push(...at.children);
  }
}
