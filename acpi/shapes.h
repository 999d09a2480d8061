#ifndef ACPI_SHAPES_H
#define ACPI_SHAPES_H
/* shapes: for tests. The topologies that tables are built for. Comes after cmocka.h. */

#include "acpi/topology.h"

/* Sockets, cores, threads: 1 to 1024 vCPUs, two with holes in the APIC ids. */
static const uint32_t shapes[][3] = {
	{ 1, 1, 1 },   { 2, 1, 1 },  { 8, 1, 1 },   { 16, 2, 2 },
	{ 255, 1, 1 }, { 64, 2, 2 }, { 512, 1, 1 }, { 128, 4, 2 },
	{ 3, 3, 2 },   { 43, 3, 2 }, { 2, 2, 2 },   { 40, 1, 1 },
};
enum { NSHAPES = sizeof(shapes) / sizeof(*shapes), SHAPE_8 = 2, SHAPE_3X3X2 = 8 };

static inline struct topology shape(size_t i)
{
	struct topology t;

	assert_int_equal(topology_init(&t, shapes[i][0], shapes[i][1], shapes[i][2]), 0);
	return t;
}

#endif
