#include "acpi/aarch64/pptt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acpi/aarch64/built.h"
#include "acpi/shapes.h"

/* Node flags: 1 package, 2 its id is valid, 4 thread, 8 leaf. */
enum { SOCKET = 1 | 2, CORE = 2, CORE_LEAF = 2 | 8, THREAD = 2 | 4 | 8 };
enum { FIRST = 36, NODE_LEN = 20 };

struct node {
	uint64_t flags, parent, id;
};

static unsigned char *pptt(const struct topology *t)
{
	return built((struct arch_table){ pptt_len, pptt_build }, t, "PPTT", 2);
}

/* The node at an offset, which must be one of a node. */
static struct node node(const unsigned char *buf, size_t at)
{
	static const unsigned char head[] = { 0, NODE_LEN, 0, 0 };
	const unsigned char *p = buf + at;

	assert_in_range(at, FIRST, get(buf + 4, 4) - NODE_LEN);
	assert_int_equal((at - FIRST) % NODE_LEN, 0);
	assert_memory_equal(p, head, sizeof(head));
	assert_int_equal(get(p + 16, 4), 0); /* private resources */
	return (struct node){ get(p + 4, 4), get(p + 8, 4), get(p + 12, 4) };
}

static void check_nodes(uint32_t sockets, uint32_t cores, uint32_t threads,
			const struct node *want, size_t n)
{
	struct topology t;
	unsigned char *buf;

	assert_int_equal(topology_init(&t, sockets, cores, threads), 0);
	buf = pptt(&t);
	assert_int_equal(pptt_len(&t), FIRST + n * NODE_LEN);
	for (size_t i = 0; i < n; i++) {
		struct node got = node(buf, FIRST + i * NODE_LEN);

		assert_int_equal(got.flags, want[i].flags);
		assert_int_equal(got.parent, want[i].parent);
		assert_int_equal(got.id, want[i].id);
	}
	free(buf);
}

static void one_vcpu_is_a_core_in_a_socket(void **state)
{
	static const struct node want[] = { { SOCKET, 0, 0 }, { CORE_LEAF, 36, 0 } };

	(void)state;
	check_nodes(1, 1, 1, want, sizeof(want) / sizeof(*want));
}

static void threads_have_a_core_above_them(void **state)
{
	static const struct node want[] = {
		{ SOCKET, 0, 0 },   { CORE, 36, 0 },    { THREAD, 56, 0 },
		{ THREAD, 56, 1 },  { CORE, 36, 1 },    { THREAD, 116, 2 },
		{ THREAD, 116, 3 }, { SOCKET, 0, 1 },   { CORE, 176, 2 },
		{ THREAD, 196, 4 }, { THREAD, 196, 5 }, { CORE, 176, 3 },
		{ THREAD, 256, 6 }, { THREAD, 256, 7 },
	};

	(void)state;
	check_nodes(2, 2, 2, want, sizeof(want) / sizeof(*want));
}

/* Gives the parent of the node at an offset, which is above it. */
static size_t check_node(const unsigned char *buf, size_t at, uint64_t flags, uint64_t id)
{
	struct node n = node(buf, at);

	assert_int_equal(n.flags, flags);
	assert_int_equal(n.id, id);
	assert_true(n.parent < at);
	return n.parent;
}

/* From the leaf at an offset up to its socket. */
static void check_leaf(const struct topology *t, const unsigned char *buf, size_t at,
		       uint32_t cpu)
{
	if (t->threads > 1) {
		at = check_node(buf, at, THREAD, cpu);
		at = check_node(buf, at, CORE, cpu / t->threads);
	} else {
		at = check_node(buf, at, CORE_LEAF, cpu);
	}
	assert_int_equal(check_node(buf, at, SOCKET, cpu / t->per_socket), 0);
}

static void every_vcpu_is_a_leaf_at_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);
		unsigned char *buf = pptt(&t);
		uint32_t cpu = 0;

		for (size_t at = FIRST; at < pptt_len(&t); at += NODE_LEN)
			if (node(buf, at).flags & 8)
				check_leaf(&t, buf, at, cpu++);
		assert_int_equal(cpu, t.max_vcpus);
		free(buf);
	}
}

/* No parent twice: as many nodes as there are sockets, cores and threads. */
static void nothing_is_described_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);
		uint32_t cores = t.max_sockets * t.cores;
		uint32_t threads = t.threads > 1 ? t.max_vcpus : 0;

		assert_int_equal(pptt_len(&t),
				 FIRST + (t.max_sockets + cores + threads) * NODE_LEN);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_vcpu_is_a_core_in_a_socket),
		cmocka_unit_test(threads_have_a_core_above_them),
		cmocka_unit_test(every_vcpu_is_a_leaf_at_its_place),
		cmocka_unit_test(nothing_is_described_twice),
	};

	return cmocka_run_group_tests_name("pptt", tests, NULL, NULL);
}
