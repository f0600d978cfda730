/* Any bytes in the envelope of the stored anomalies or incidents: they are refused or loaded, and
 * what was loaded can be moved on and stored again. */
#include <stdlib.h>

#include "anomaly/image.h"
#include "anomaly/incidents.h"
#include "anomaly/scorer.h"
#include "base/util.h"
#include "tests/fuzz/fuzz.h"

#define LATER_NS (UINT64_C(1700000000) * 1000000000)
#define SCORER_TAG UINT64_C(0x3130726f63736765)
#define INCIDENTS_TAG UINT64_C(0x3130636e69736765)

static const struct anomaly_config config = {
	.budget_per_day = 5,
	.min_return_period_s = 86400,
	.incident_window_s = 300,
	.epoch_s = 600,
};

static void take_anomaly(struct record_anomaly *anomaly, void *arg)
{
	(void)arg;
	record_free(anomaly);
}

static void take_incident(struct record_incident *incident, void *arg)
{
	(void)arg;
	record_free(incident);
}

static void take_alert(struct record_alert *alert, void *arg)
{
	(void)arg;
	record_free(alert);
}

static struct record_blob *enveloped(const uint8_t *data, size_t size, uint64_t tag)
{
	struct blob_writer image = {0};
	struct record_blob *blob;

	image_begin(&image, tag);
	blob_put_bytes(&image, data, size);
	blob = image_end(&image);
	if (!blob)
		abort();
	return blob;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(scorer_destroy) struct scorer *scorer = NULL;
	SCOPED(incidents_destroy) struct incidents *incidents = NULL;
	struct record_blob *of_scorer = enveloped(data, size, SCORER_TAG);
	struct record_blob *of_incidents = enveloped(data, size, INCIDENTS_TAG);

	if (scorer_create(&scorer, &config, 1) || incidents_create(&incidents, &config, 1))
		abort();
	scorer_set_emit(scorer, take_anomaly, NULL);
	incidents_bind(incidents, scorer, take_alert, NULL);
	scorer_load_image(scorer, of_scorer);
	incidents_load_image(incidents, of_incidents);
	scorer_tick(scorer, LATER_NS);
	incidents_flush(incidents, LATER_NS, take_incident, NULL);
	record_free(of_scorer);
	record_free(of_incidents);
	record_free(scorer_image(scorer));
	record_free(incidents_image(incidents));
	return 0;
}
