#ifndef TOOLS_CORPUS_H
#define TOOLS_CORPUS_H
/* corpus: the seeds of a fuzz target, run without a fuzzer. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

#define CORPUS_SEED_MAX 65536

/* Runs the target on each file of the folder; returns how many there were. */
static inline unsigned corpus_replay(const char *folder,
				     int (*target)(const uint8_t *data, size_t size))
{
	static uint8_t data[CORPUS_SEED_MAX];
	DIR *dir = opendir(folder);
	const struct dirent *e;
	char path[512];
	unsigned n = 0;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		FILE *f;

		(void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		f = e->d_name[0] != '.' ? fopen(path, "re") : NULL;
		if (f == NULL)
			continue;
		target(data, fread(data, 1, sizeof(data), f));
		(void)fclose(f);
		n++;
	}
	if (dir != NULL)
		closedir(dir);
	return n;
}

/* The next of a fixed row of numbers; *state is not 0. */
static inline uint32_t corpus_random(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

#endif
