/* Fuzzing entry: every target is a libFuzzer program over one parser. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
