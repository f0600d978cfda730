#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>

int diag_set(struct diag *diag, int r, const char *format, ...)
{
	va_list args;

	if (!diag)
		return r;
	va_start(args, format);
	vsnprintf(diag->message, sizeof(diag->message), format, args);
	va_end(args);
	return r;
}

void diag_place(struct diag *diag, const char *text, uint32_t len, uint32_t offset)
{
	if (!diag)
		return;
	diag->offset = offset;
	diag->line = 1;
	diag->column = 1;
	for (uint32_t i = 0; i < offset && i < len; i++) {
		diag->column++;
		if (text[i] == '\n') {
			diag->line++;
			diag->column = 1;
		}
	}
}
