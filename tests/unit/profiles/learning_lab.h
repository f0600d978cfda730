/* A profile set with workloads of one process each, driven by hand: say what happens when. Uses
 * fake_dimensions.c. */
#pragma once

#include "profiles/profile_set.h"
#include "profiles/set_private.h"

#define LAB_WORKLOADS 16
#define LAB_BLOBS 65536

struct lab_blob {
	uint64_t workload_id, sequence;
	struct text bytes;
	bool is_image;
};

struct lab {
	struct learning_config config;
	struct profile_set *set;
	uint64_t now_ns;
	struct workload workloads[LAB_WORKLOADS];
	struct process processes[LAB_WORKLOADS];
	char names[LAB_WORKLOADS][32];
	struct event ev;
	struct sightings sightings;
	struct verdict verdict; /* of the next commit; cleared by it */
	/* what was stored: as storage keeps it */
	struct lab_blob *blobs;
	uint32_t n_blobs;
	uint64_t n_texts;
};

/* Default: epochs of 600 s, as the contract; dimensions exec/3 and file.read/3/startup. */
void lab_init(struct lab *lab);
void lab_init_with(struct lab *lab, const struct learning_config *config);
/* The default for these dimensions, borrowed. */
struct learning_config lab_config(const char *const *files, uint32_t n);
void lab_done(struct lab *lab);

/* For tests whose state is a lab of their own; NULL: the default. */
int lab_setup(void **state, const struct learning_config *config);
int lab_teardown(void **state);

/* Time goes on by seconds; ticks. */
void lab_wait(struct lab *lab, double seconds);

/* Workload w's process executes something now: a start-up may begin. */
void lab_exec(struct lab *lab, uint32_t w);
/* Its process dies, or lives again, now. */
void lab_set_live(struct lab *lab, uint32_t w, bool is_live);
/* The initial scan finds it running. */
void lab_scan(struct lab *lab, uint32_t w);

/* A behaviour: fields separated by blanks; "?" is missing. Looks up only. Borrowed until the next.
 */
const struct sighting *lab_look(struct lab *lab, uint32_t w, uint32_t dimension, const char *key);
/* Looks up and commits under lab->verdict, as the pipeline does. */
const struct sighting *lab_see(struct lab *lab, uint32_t w, uint32_t dimension, const char *key);

/* The same behaviour once an epoch for so many epochs. */
void lab_live(struct lab *lab, uint32_t w, uint32_t dimension, const char *key, uint32_t epochs);

/* Checkpoint; what is stored replaces and covers as in storage. */
void lab_checkpoint(struct lab *lab);
/* Between checkpoints: some texts. */
void lab_give_texts(struct lab *lab);
/* The program stops without a word and starts again with what was stored. */
void lab_restart(struct lab *lab);
