#include "vmm/config/manifest.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/config/origin.h"

#define VM                                                                               \
	"apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: {name: vm1}\n"      \
	"spec:\n template:\n  spec:\n   domain: "
#define VMI                                                                              \
	"apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\n"                     \
	"spec:\n domain: "
#define T "spec.template.spec."

static struct spec defaults(void)
{
	return (struct spec){ .memory = UINT64_C(512) << 20,
			      .cpus = { .sockets = 1, .cores = 1, .threads = 1 },
			      .serial = "stdio" };
}

static struct spec parse(const char *text)
{
	struct spec s = defaults();
	struct text why = { "" };

	if (manifest_parse("vm.yaml", text, strlen(text), &s, &why) < 0)
		fail_msg("%s", why.s);
	assert_non_null(s.from.manifest);
	return s;
}

/* --- good ones ------------------------------------------------------------ */

static void a_whole_manifest_is_read(void **state)
{
	struct spec s = parse("apiVersion: kubevirt.io/v1\n"
			      "kind: VirtualMachine\n"
			      "metadata:\n"
			      "  name: vm-1.example\n"
			      "  creationTimestamp: null\n"
			      "  labels: {kubevirt.io/vm: a}\n"
			      "spec:\n"
			      "  runStrategy: Always\n"
			      "  template:\n"
			      "    metadata: {labels: {a: b}}\n"
			      "    spec:\n"
			      "      domain:\n"
			      "        cpu:\n"
			      "          sockets: 2\n"
			      "          cores: 3\n"
			      "          threads: 4\n"
			      "          maxSockets: 8\n"
			      "          model: host-model\n"
			      "        memory: {guest: 1.5Gi}\n"
			      "        devices:\n"
			      "          disks: [{name: a, disk: {bus: virtio}}]\n"
			      "        firmware:\n"
			      "          kernelBoot:\n"
			      "            kernelArgs: console=ttyS0\n"
			      "            container:\n"
			      "              image: example/kernel\n"
			      "              kernelPath: /boot/vmlinuz\n"
			      "              initrdPath: /boot/initrd.img\n"
			      "      networks: []\n"
			      "      \"a\\tb.c\": 1\n"
			      "status: {ready: true}\n");

	(void)state;
	assert_string_equal(s.name, "vm-1.example");
	assert_int_equal(s.cpus.sockets, 2);
	assert_int_equal(s.cpus.cores, 3);
	assert_int_equal(s.cpus.threads, 4);
	assert_int_equal(s.cpus.max_sockets, 8);
	assert_int_equal(s.memory, UINT64_C(1536) << 20);
	assert_string_equal(s.kernel, "/boot/vmlinuz");
	assert_string_equal(s.initrd, "/boot/initrd.img");
	assert_string_equal(s.append, "console=ttyS0");
	assert_string_equal(manifest_name(s.from.manifest), "vm.yaml");
	assert_string_equal(manifest_ignored(s.from.manifest),
			    "spec.runStrategy, " T "networks, " T "a?b.c, " T
			    "domain.devices, " T "domain.cpu.model, " T
			    "domain.firmware.kernelBoot.container.image");
	manifest_close(s.from.manifest);
}

static void json_and_an_instance_are_read_too(void **state)
{
	struct spec s = parse("{\"apiVersion\": \"kubevirt.io/v1alpha3\",\n"
			      "\t\"kind\": \"VirtualMachineInstance\",\n"
			      "\t\"spec\": {\"domain\": {\"cpu\": {\"sockets\": 6}}}}\n");

	(void)state;
	assert_null(s.name);
	assert_int_equal(s.cpus.sockets, 6);
	assert_int_equal(s.cpus.max_sockets, 0);
	assert_int_equal(s.memory, UINT64_C(512) << 20);
	assert_string_equal(manifest_ignored(s.from.manifest), "");
	manifest_close(s.from.manifest);
}

static void the_topology_is_kubevirts(void **state)
{
	/* clang-format off */
	static const struct {
		const char *domain;
		uint32_t sockets, cores, threads, max_sockets;
	} cases[] = {
		{ "{}", 1, 1, 1, 0 },
		{ "{cpu: }", 1, 1, 1, 0 },
		{ "{cpu: {}}", 1, 1, 1, 0 },
		{ "{cpu: {cores: 4}}", 1, 4, 1, 0 },
		{ "{cpu: {sockets: 0, cores: 0, threads: 0, maxSockets: 0}}", 1, 1, 1, 0 },
		{ "{cpu: {sockets: 3, cores: 0, threads: 2, maxSockets: 0}}", 3, 1, 2, 0 },
		{ "{cpu: {sockets: null, maxSockets: 7}}", 1, 1, 1, 7 },
		{ "{cpu: {sockets: 4294967295}}", UINT32_MAX, 1, 1, 0 },
		{ "{resources: {requests: {cpu: 2}}}", 2, 1, 1, 0 },
		{ "{resources: {requests: {cpu: 2500m}}}", 3, 1, 1, 0 },
		{ "{resources: {requests: {cpu: 2}, limits: {cpu: '4'}}}", 4, 1, 1, 0 },
		{ "{resources: {limits: {cpu: 0}, requests: {cpu: 0.5}}}", 1, 1, 1, 0 },
		{ "{cpu: {cores: 2}, resources: {limits: {cpu: 4}}}", 1, 2, 1, 0 },
		{ "{cpu: {sockets: 0, maxSockets: 9}, resources: {limits: {cpu: 4}}}", 4, 1, 1, 9 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct spec s;

		(void)snprintf(text, sizeof(text), VM "%s\n", cases[i].domain);
		s = parse(text);
		assert_int_equal(s.cpus.sockets, cases[i].sockets);
		assert_int_equal(s.cpus.cores, cases[i].cores);
		assert_int_equal(s.cpus.threads, cases[i].threads);
		assert_int_equal(s.cpus.max_sockets, cases[i].max_sockets);
		manifest_close(s.from.manifest);
	}
}

static void memory_is_the_guests_else_the_request_else_the_limit(void **state)
{
	/* clang-format off */
	static const struct {
		const char *domain;
		uint64_t mib;
	} cases[] = {
		{ "{memory: {guest: 2Gi}}", 2048 },
		{ "{memory: {guest: 2Gi}, resources: {requests: {memory: 1Gi}}}", 2048 },
		{ "{memory: {guest: 1Gi}, resources: {limits: {memory: 1Gi}}}", 1024 },
		{ "{memory: {guest: 1Gi}, resources: {limits: {memory: 0}}}", 1024 },
		{ "{resources: {requests: {memory: 64Mi}, limits: {memory: 1Gi}}}", 64 },
		{ "{resources: {limits: {memory: 128Mi}}}", 128 },
		{ "{memory: {guest: 1e9}}", 954 },
		{ "{memory: {guest: 1G}}", 954 },
		{ "{memory: {guest: 1000000001}}", 954 },
		{ "{memory: {guest: '2097153'}}", 3 },
		{ "{memory: {guest: 2097152000m}}", 2 },
		{ "{memory: {guest: 64Ti}}", 1 << 26 },
		{ "{memory: {}}", 512 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct spec s;

		(void)snprintf(text, sizeof(text), VMI "%s\n", cases[i].domain);
		s = parse(text);
		assert_int_equal(s.memory, cases[i].mib << 20);
		manifest_close(s.from.manifest);
	}
}

static void a_long_list_of_what_is_ignored_is_cut(void **state)
{
	char text[20000] = VMI "{}\n";
	size_t len = strlen(text);
	struct spec s;

	(void)state;
	for (int i = 0; i < 300; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					" a-field-with-a-long-name-%d: 1\n", i);
	s = parse(text);
	len = strlen(manifest_ignored(s.from.manifest));
	assert_in_range(len, 300, 479);
	assert_string_equal(manifest_ignored(s.from.manifest) + len - 5, ", ...");
	manifest_close(s.from.manifest);
}

/* --- bad ones ------------------------------------------------------------- */

static void refused(const char *text, const char *words)
{
	struct spec s = defaults(), before = s;
	struct text why = { "" };
	char want[512];

	assert_int_equal(manifest_parse("vm.yaml", text, strlen(text), &s, &why),
			 -EINVAL);
	(void)snprintf(want, sizeof(want), "vm.yaml: %s", words);
	assert_string_equal(why.s, want);
	assert_memory_equal(&s, &before, sizeof(s));
}

static void what_is_no_kubevirt_vm_is_refused(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "the whole must be an object, and is null" },
		{ "- a\n", "the whole must be an object, and is an array" },
		{ "a: [", "line 2, column 1: did not find expected node content" },
		{ "kind: VirtualMachine\n", "apiVersion: it is missing; give it" },
		{ "apiVersion: kubevirt.io/v1\n", "kind: it is missing; give it" },
		{ "apiVersion: kubevirt.io/v1\nkind:\n", "kind: it is missing; give it" },
		{ "apiVersion: 1\nkind: a\n", "apiVersion must be a string, and is a number" },
		{ "apiVersion: v1\nkind: VirtualMachine\n", "apiVersion: 'v1' is not known; use kubevirt.io/v1 or kubevirt.io/v1alpha3" },
		{ "apiVersion: kubevirt.io/v1\nkind: Pod\n", "kind: 'Pod' is not known; use VirtualMachine or VirtualMachineInstance" },
		{ "apiVersion: kubevirt.io/v1\nkind: \"a\\nb\"\n", "kind: 'a?b' is not known; use VirtualMachine or VirtualMachineInstance" },
		{ "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\n", "spec.template.spec.domain: it is missing; give it" },
		{ "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nspec: {domain: {}}\n", "spec.template.spec.domain: it is missing; give it" },
		{ "apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\nspec: {template: {}}\n", "spec.domain: it is missing; give it" },
		{ "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nspec: []\n", "spec must be an object, and is an array" },
		{ "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nspec: {template: 5}\n", "spec.template must be an object, and is a number" },
		{ "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: a\n", "metadata must be an object, and is a string" },
		{ VMI "{}\nmetadata: {name: 5}\n", "metadata.name must be a string, and is a number" },
		{ VMI "{}\nmetadata: {name: ''}\n", "metadata.name: '' is not a name; use lower-case letters, digits, '-' and '.', up to 253 of them" },
		{ VMI "{}\nmetadata: {name: a/b}\n", "metadata.name: 'a/b' is not a name; use lower-case letters, digits, '-' and '.', up to 253 of them" },
		{ VMI "{}\n architecture: [a]\n", "spec.architecture must be a string, and is an array" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(cases[i].text, cases[i].why);
}

static void what_a_domain_cannot_have_is_refused_with_its_path(void **state)
{
	/* clang-format off */
	static const struct {
		const char *domain, *why;
	} cases[] = {
		{ "5", "domain must be an object, and is a number" },
		{ "{cpu: 2}", "domain.cpu must be an object, and is a number" },
		{ "{cpu: {sockets: -1}}", "domain.cpu.sockets: CPU sockets -1 is less than the minimum, 1; give 1 or more" },
		{ "{cpu: {threads: -9223372036854775808}}", "domain.cpu.threads: CPU threads -9223372036854775808 is less than the minimum, 1; give 1 or more" },
		{ "{cpu: {maxSockets: -1}}", "domain.cpu.maxSockets: CPU maxSockets -1 is less than the minimum, 1; give 1 or more" },
		{ "{cpu: {cores: 4294967296}}", "domain.cpu.cores: CPU cores 4294967296 is greater than the maximum, 4294967295; give less" },
		{ "{cpu: {sockets: '2'}}", "domain.cpu.sockets must be a whole number, and is a string" },
		{ "{cpu: {sockets: 010}}", "domain.cpu.sockets must be a whole number, and is a string" },
		{ "{cpu: {sockets: 2.0}}", "domain.cpu.sockets must be a whole number, and is a number with a fraction" },
		{ "{cpu: {cores: yes}}", "domain.cpu.cores must be a whole number, and is true" },
		{ "{cpu: {maxsockets: 8}}", "domain.cpu: 'maxsockets' is not known; use sockets, cores, threads, maxSockets" },
		{ "{memory: 2Gi}", "domain.memory must be an object, and is a string" },
		{ "{memory: {guest: [2Gi]}}", "domain.memory.guest must be a quantity, and is an array" },
		{ "{memory: {guest: true}}", "domain.memory.guest must be a quantity, and is true" },
		{ "{memory: {guest: 2GB}}", "domain.memory.guest: '2GB' is not a quantity; give a number with Mi or Gi, as 512Mi" },
		{ "{memory: {guest: ''}}", "domain.memory.guest: '' is not a quantity; give a number with Mi or Gi, as 512Mi" },
		{ "{memory: {guest: -1Gi}}", "domain.memory.guest: '-1Gi': must be greater than or equal to 0; give more" },
		{ "{memory: {guest: -1}}", "domain.memory.guest: '-1': must be greater than or equal to 0; give more" },
		{ "{memory: {guest: 9Ei}}", "domain.memory.guest: '9Ei' is greater than the maximum, 9223372036854775807; give less" },
		{ "{memory: {guest: 65Ti}}", "domain.memory.guest: memory 65Ti is greater than the maximum, 64T; give less" },
		{ "{memory: {guest: 0}}", "domain.memory.guest: memory 0 is less than the minimum, 2Mi; give more" },
		{ "{memory: {guest: 2}}", "domain.memory.guest: memory 2 is less than the minimum, 2Mi; give more" },
		{ "{resources: []}", "domain.resources must be an object, and is an array" },
		{ "{resources: {requests: {memory: 1Mi}}}", "domain.resources.requests.memory: memory 1Mi is less than the minimum, 2Mi; give more" },
		{ "{resources: {requests: {cpu: -1}}}", "domain.resources.requests.cpu: '-1': must be greater than or equal to 0; give more" },
		{ "{resources: {limits: {cpu: x}}}", "domain.resources.limits.cpu: 'x' is not a quantity; give a number with Mi or Gi, as 512Mi" },
		{ "{resources: {limits: {cpu: 5G}}}", "domain.resources.limits.cpu: CPU sockets 5000000000 is greater than the maximum, 4294967295; give less" },
		{ "{firmware: {kernelBoot: a}}", "domain.firmware.kernelBoot must be an object, and is a string" },
		{ "{firmware: {kernelBoot: {kernelArgs: [a]}}}", "domain.firmware.kernelBoot.kernelArgs must be a string, and is an array" },
		{ "{firmware: {kernelBoot: {container: {kernelPath: 1}}}}", "domain.firmware.kernelBoot.container.kernelPath must be a string, and is a number" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512], want[512];

		(void)snprintf(text, sizeof(text), VM "%s\n", cases[i].domain);
		(void)snprintf(want, sizeof(want), T "%s", cases[i].why);
		refused(text, want);
		(void)snprintf(text, sizeof(text), VMI "%s\n", cases[i].domain);
		(void)snprintf(want, sizeof(want), "spec.%s", cases[i].why);
		refused(text, want);
	}
}

static void memory_above_its_limit_is_refused_in_kubevirts_words(void **state)
{
	(void)state;
	refused(VM "{memory: {guest: 2Gi}, resources: {limits: {memory: 1Gi}}}\n",
		T "domain.memory.guest: '2Gi' must be equal to or less than the memory "
		  "limit " T "domain.resources.limits.memory '1Gi'; lower it, or raise "
		  "the limit");
	refused(VMI "{resources: {requests: {memory: 2G}, limits: {memory: 1Gi}}}\n",
		"spec.domain.resources.requests.memory: '2G' is greater than "
		"spec.domain.resources.limits.memory '1Gi'; lower it, or raise the "
		"limit");
}

static void another_machines_architecture_is_refused(void **state)
{
	struct utsname host;
	bool arm;
	struct spec s;

	(void)state;
	assert_int_equal(uname(&host), 0);
	arm = strcmp(host.machine, "aarch64") == 0;
	s = parse(arm ? VMI "{}\n architecture: arm64\n"
		      : VMI "{}\n architecture: amd64\n");
	manifest_close(s.from.manifest);
	if (arm)
		refused(VMI "{}\n architecture: amd64\n",
			"spec.architecture: 'amd64' is not the architecture of this "
			"machine; use arm64, or leave it out");
	else
		refused(VMI "{}\n architecture: arm64\n",
			"spec.architecture: 'arm64' is not the architecture of this "
			"machine; use amd64, or leave it out");
}

/* --- after it is read ----------------------------------------------------- */

static void a_later_refusal_names_file_and_field(void **state)
{
	static const struct host_limits host = { .max_vcpus = 1024, .max_vcpu_id = 4096 };
	struct spec s = parse(VM "{cpu: {sockets: 10, maxSockets: 8}}\n");
	struct topology topo;
	struct text why;

	(void)state;
	assert_int_equal(spec_resolve(&s, &host, &topo, &why), -EINVAL);
	assert_int_equal(origin_blame_cpus(&s, -EINVAL, &why), -EINVAL);
	assert_string_equal(why.s, "vm.yaml: " T "domain.cpu.sockets: CPU sockets 10 is "
				   "greater than the maximum sockets allowed, maxSockets "
				   "8 (set for the VM); ask for 1 to 8, or start the VM "
				   "with a larger maxSockets");
	s.cpus.max_sockets = 2000;
	assert_int_equal(spec_resolve(&s, &host, &topo, &why), -EINVAL);
	assert_int_equal(origin_blame_cpus(&s, -EINVAL, &why), -EINVAL);
	assert_non_null(strstr(why.s, "vm.yaml: " T "domain.cpu: CPU maxSockets 2000 "));
	manifest_close(s.from.manifest);
	s = defaults();
	text_set(&why, 0, "as it was");
	assert_int_equal(origin_blame_cpus(&s, -EIO, &why), -EIO);
	assert_int_equal(origin_blame_kernel(&s, -EIO, &why), -EIO);
	assert_string_equal(why.s, "as it was");
}

static void a_file_is_read_like_a_text(void **state)
{
	char path[] = "/tmp/manifest-test-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = VMI "{cpu: {sockets: 3}}\n";
	struct spec s = defaults();
	struct text why;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(manifest_open(path, &s, &why), 0);
	assert_int_equal(s.cpus.sockets, 3);
	manifest_close(s.from.manifest);
	s = defaults();
	assert_int_equal(truncate(path, 1048577), 0);
	assert_int_equal(manifest_open(path, &s, &why), -EFBIG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(manifest_open(path, &s, &why), -ENOENT);
	assert_non_null(strstr(why.s, ": No such file"));
	assert_null(s.from.manifest);
	manifest_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_manifest_is_read),
		cmocka_unit_test(json_and_an_instance_are_read_too),
		cmocka_unit_test(the_topology_is_kubevirts),
		cmocka_unit_test(memory_is_the_guests_else_the_request_else_the_limit),
		cmocka_unit_test(a_long_list_of_what_is_ignored_is_cut),
		cmocka_unit_test(what_is_no_kubevirt_vm_is_refused),
		cmocka_unit_test(what_a_domain_cannot_have_is_refused_with_its_path),
		cmocka_unit_test(memory_above_its_limit_is_refused_in_kubevirts_words),
		cmocka_unit_test(another_machines_architecture_is_refused),
		cmocka_unit_test(a_later_refusal_names_file_and_field),
		cmocka_unit_test(a_file_is_read_like_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
