#include "tests/conformance/cases.h"

bool case_rules(struct suite *suite, const cJSON *test)
{
	(void)test;
	return failed(suite, "rules");
}
