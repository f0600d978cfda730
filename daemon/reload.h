/* Reloading rules while events flow, all or nothing. The loader thread compiles the new set beside
 * the running one, lets the capture deliver what either needs, has the pipeline swap them between
 * two batches, then lets go what only the old set needed and destroys it. Whoever asks meanwhile
 * gets the next reload: there is never more than one. */
#pragma once

#include "api/server.h"

struct daemon;
struct reload;

int reload_create(struct reload **out, struct daemon *daemon);

/* No thread may ask any more. */
void reload_destroy(struct reload **reload);

/* Loader thread, once, before it waits for signals: from now on SIGHUP tells it that somebody asks.
 * Whether somebody did already. */
bool reload_attend(struct reload *reload);

/* Loader thread: reload once, for everybody who asked until now. */
void reload_run(struct reload *reload);

/* Any other thread: have the loader reload, and wait for a reload that began after the call. Gives
 * its outcome as JSON (the caller frees), or NULL when the daemon ends or nothing came of it in
 * time. */
char *reload_ask(struct reload *reload);

/* Any thread: let everybody who waits go. */
void reload_stop(struct reload *reload);

/* Any thread: what became of loading so far. */
void reload_facts(struct reload *reload, struct api_rules_facts *out);
