/* System calls with every kind of end: opens of each access that succeed, are denied and fail, and
 * other calls likewise. Run as root; ends as an ordinary user. */
#pragma once

/* folder: an empty one of its own. */
void call_matrix_run(const char *folder);
