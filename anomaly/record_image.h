/* Records of open anomalies and incidents in an image. */
#pragma once

#include "base/records.h"
#include "profiles/blob.h"

void record_image_put_anomaly(struct blob_writer *image, const struct record_anomaly *anomaly);
/* Give a record, or NULL: the reader failed (values out of bounds fail it), or no memory. */
struct record_anomaly *record_image_get_anomaly(struct blob_reader *image);

void record_image_put_incident(struct blob_writer *image, const struct record_incident *incident);
struct record_incident *record_image_get_incident(struct blob_reader *image);
