/* bench_tables: how long tables_build() takes. One line for each number of possible CPUs:
 * CPUS BYTES RUNS MIN MEDIAN MAX, in microseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "acpi/tables.h"

#define RUNS 201

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int rises(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int measure(uint32_t cpus)
{
	static double us[RUNS];
	struct topology t;
	unsigned char *enabled = calloc(cpus, 1), *buf = NULL;
	size_t len = 0;

	if (enabled != NULL && topology_init(&t, cpus, 1, 1) == 0) {
		len = tables_len(&t);
		buf = malloc(len);
	}
	if (buf == NULL) {
		free(enabled);
		return -1;
	}
	enabled[0] = 1;
	for (int i = 0; i < RUNS; i++) {
		us[i] = now_us();
		tables_build(&t, enabled, 0x10000, 0, buf);
		us[i] = now_us() - us[i];
	}
	qsort(us, RUNS, sizeof(us[0]), rises);
	printf("%u %zu %d %.1f %.1f %.1f\n", cpus, len, RUNS, us[0], us[RUNS / 2],
	       us[RUNS - 1]);
	free(buf);
	free(enabled);
	return 0;
}

int main(void)
{
	static const uint32_t sizes[] = { 8, 255, 1024 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (measure(sizes[i]) < 0)
			return 1;
	return 0;
}
