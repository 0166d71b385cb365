/* Sums up the pickle of a plain tracemalloc.Snapshot.dump while it reads it: no object per block.
 *
 * A pickle is a program for a small stack machine (Lib/pickletools.py). This one knows the few
 * opcodes that pickling a snapshot takes, in protocol 2 to 5, and values that are nothing but
 * numbers: a string, a frame or a traceback is its index, a record of a block is its size, domain
 * and traceback, and is forgotten once it was added to its traceback's sums.
 *
 * It never judges: whatever it does not know, or finds odd in any way, it declines, and the
 * unpickler in untrusted.py decides what is wrong, in its words. What it does not decline means
 * the same to both.
 *
 * The file may be hostile. So: every operand is checked against what is there; indexes into the
 * memo count from 0 on without a gap, as picklers number them; the stack and the marks have fixed
 * ends; everything else grows with what was read, to less than the limits of the child; nothing
 * recurses; a search that takes long is given up. Plain C, and libc's malloc.
 */
#ifndef LEAKHUNT_OPCODES_H
#define LEAKHUNT_OPCODES_H

#include "_sums.h"

/* Add up a file of that many bytes; false: declined. `sums` is open. */
bool pickle_sums(Sums *sums, int descriptor, uint64_t size);

#endif
