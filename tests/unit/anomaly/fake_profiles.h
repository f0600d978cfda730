/* A stand-in for profiles/ and for what state/ is asked while describing: tests set what the
 * profile says, and get sightings and processes to score. */
#pragma once

#include "profiles/profile_set.h"

struct profile {
	struct profile_view view;
	struct stream_view streams[RECORD_LEVELS_MAX]; /* steady stratum */
	struct stream_view startup[RECORD_LEVELS_MAX];
	uint32_t parent_epochs, child_epochs;
	bool has_population, population_known;
	double population_rate;
	uint64_t count;
	uint32_t n_usual;
	const char *usual[RECORD_USUAL_MAX];
};

/* A baseline of age epochs in which nothing new turned up since: as young as the tests' trials. */
void fake_profile(struct profile *profile, const struct workload *workload, const char *dimension,
		  uint32_t age, double epoch_s);

/* A sighting with these key fields (at most 3, NULL ends), new from new_level on. Fingerprints are
 * hashes of the prefixes. */
struct sighting fake_sighting(struct profile *profile, int8_t new_level, const char *const *fields);

/* A process of the workload. */
void fake_process(struct process *process, int32_t pid, const struct instance *instance,
		  struct process *creator, const char *exe);
