// Numbers as text, as leakhunt/units.py has them: one number reads alike on the page and in the terminal.
const STEPS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function size(amount) {
  let value = Math.abs(amount);
  let step = 0;
  while (value >= 1023.95 && step < STEPS.length - 1) {
    value /= 1024;
    step += 1;
  }
  const text = step === 0 ? even(value, 0) : grouped(even(value, 1));
  const negative = amount < 0 && /[1-9]/.test(text);
  return `${negative ? "-" : ""}${text} ${STEPS[step]}`;
}

// Halves go to the even digit, as in Python.
function even(value, digits) {
  const scaled = value * 10 ** digits;
  const whole = Math.floor(scaled);
  const up = scaled - whole === 0.5 && Number.isInteger(scaled * 2) ? whole % 2 === 1 : scaled - whole > 0.5;
  return digits ? value.toFixed(digits) : String(whole + (up ? 1 : 0));
}

export function signedSize(amount) {
  const text = size(amount);
  return amount > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function count(amount) {
  return grouped(String(Math.round(amount)));
}

export function signedCount(amount) {
  return amount > 0 ? `+${count(amount)}` : count(amount);
}

export function share(part) {
  const percent = 100 * part;
  if (!Number.isFinite(percent) || percent === 0) return "0 %";
  if (Math.abs(percent) >= 9.95) return `${percent.toFixed(0)} %`;
  if (Math.abs(percent) < 0.1) return "<0.1 %";
  return `${percent.toFixed(1)} %`;
}

export function plural(amount, noun) {
  return `${count(amount)} ${amount === 1 ? noun : `${noun}s`}`;
}

export function signedPlural(amount, noun) {
  return `${signedCount(amount)} ${Math.abs(amount) === 1 ? noun : `${noun}s`}`;
}

function grouped(text) {
  const [whole, rest] = text.split(".");
  const parted = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return rest === undefined ? parted : `${parted}.${rest}`;
}

// Seconds since the epoch as 2026-01-31 23:59:59, in UTC.
export function moment(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}
