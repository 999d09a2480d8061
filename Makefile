# make            build/$(ARCH)/hotsocket and build/$(ARCH)/hotsocketctl; ARCH=aarch64 cross-builds
# make check      the fast gate: build, unit tests, lint
# make test       sets up, builds, runs every lane; LANE=unit|native|x86_64|aarch64 for one, LANE=long for
#                 all at full length; CASE='WORD...' for some of the cases
# make demo       a stock kernel grows from 2 to 8 CPUs; KERNEL= and INITRD= for your own guest, ARCH=aarch64
# make bench      hotsocket and QEMU side by side; LANE=native for bare-metal guests; ARGS=--json and others
# make install    to PREFIX (/usr/local), under DESTDIR; make uninstall takes it away again
# make fuzz       looks for inputs that break something; FOR=SECONDS for each target
# V=1            shows the commands
# SAN=address,undefined or SAN=thread builds with sanitizers, in a directory of its own
comma := ,
Q     := $(if $(V),,@)
HOST  := $(shell uname -m)
ARCH  ?= $(HOST)
B     := build/$(ARCH)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
CROSS := $(if $(filter-out $(HOST),$(ARCH)),$(ARCH)-linux-gnu-)
CC    := $(CROSS)gcc
SYS   := $(if $(CROSS),$(B)/sysroot)

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Werror
CPPFLAGS := -I. -I$(B)/gen -D_GNU_SOURCE -include vmm/base/version.h -MMD -MP
CFLAGS   := -std=c11 -O2 -g $(WARN) -fno-common -pthread $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
LDFLAGS  := -pthread $(if $(SAN),-fsanitize=$(SAN),-static)
LDLIBS   := -levent_core -ljansson -lyaml $(if $(filter aarch64,$(ARCH)),-lfdt)
ifneq ($(SYS),)
CPPFLAGS += -isystem $(SYS)/usr/include
LDFLAGS  += -L$(SYS)/usr/lib/$(ARCH)-linux-gnu
endif

srcs   = $(filter-out %_test.c %_fuzz.c,$(wildcard $(1)/*.c $(1)/$(ARCH)/*.c))
ROOMS  := acpi devices $(addprefix vmm/,base config kvm boot hotplug machine qmp control) vmm # from the ground up: tools/includes
LIBSRC := $(filter-out vmm/main.c,$(foreach room,$(ROOMS),$(call srcs,$(room))))
CTLSRC := $(call srcs,tools/ctl)
LIBOBJ := $(LIBSRC:%.c=$(B)/obj/%.o)
TESTS  := $(patsubst %.c,$(B)/%,$(wildcard $(foreach r,$(ROOMS) tools/ctl,$(r)/*_test.c $(r)/$(ARCH)/*_test.c)))

DIST   := $(patsubst tools/dist/man/%,$(B)/dist/%,$(wildcard tools/dist/man/*)) $(B)/dist/hotsocket.bash

.DELETE_ON_ERROR:
.PRECIOUS: $(B)/obj/%.o $(B)/gen/%.hex
.PHONY: all install uninstall unit guests lint check test demo bench fuzz format clean
all: $(B)/hotsocket $(B)/hotsocketctl $(DIST)

# The linker speaks only when it fails: libevent's name look-ups, which we never call, make it warn.
link = $(Q)said=$$($(CC) $(1) -o $@ 2>&1) || { echo "$$said"; exit 1; }

$(B)/hotsocket: $(B)/obj/vmm/main.o $(B)/libhotsocket.a
	@echo LINK $@
	$(call link,$(LDFLAGS) $^ $(LDLIBS))
$(B)/hotsocketctl: $(CTLSRC:%.c=$(B)/obj/%.o)
	@echo LINK $@
	$(call link,$(LDFLAGS) $^ -ljansson -lyaml)
$(B)/libhotsocket.a: $(LIBOBJ)
	$(Q)rm -f $@ && $(CROSS)ar qcs $@ $^ # q: files of one name in two folders are two members
$(B)/obj/%.o: %.c | $(addsuffix .made,$(SYS))
	@mkdir -p $(@D) && echo CC $<
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

# Libraries of another architecture than this machine's: Debian's, in a cache.
$(B)/sysroot.made: tools/sysroot
	@mkdir -p $(@D)
	$(Q)dir=$$(tools/sysroot $(ARCH)) && ln -sfn "$$dir" $(B)/sysroot && touch $@

# ASL: the C preprocessor shares acpi/layout.h with it, iasl compiles it (warnings are errors)
# and leaves a C array, which acpi/dsdt.c includes.
$(B)/gen/%.hex: acpi/%.asl acpi/layout.h
	@mkdir -p $(@D)
	@echo IASL $<
	$(Q)$(CC) -E -P -x c -I. $< -o $(B)/gen/$*.i
	$(Q)iasl -we -tc -p $(B)/gen/$* $(B)/gen/$*.i >$(B)/gen/$*.log || { cat $(B)/gen/$*.log; exit 1; }
$(B)/obj/acpi/dsdt.o: $(patsubst acpi/%.asl,$(B)/gen/%.hex,$(wildcard acpi/*.asl))

# Manual pages and completion, with the table of options in them, by a program of this machine.
HOSTCC ?= gcc
$(B)/dist/options: tools/dist/options.c vmm/config/options.def vmm/config/host_config.h
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -I. -std=c11 -O1 $(WARN) $< -o $@
$(B)/dist/hotsocket.bash: tools/dist/completion/hotsocket.bash $(B)/dist/options
	$(Q)$(B)/dist/options completion <$< >$@
$(filter-out %.bash,$(DIST)): $(B)/dist/%: tools/dist/man/% $(B)/dist/options
	$(Q)$(B)/dist/options man <$< >$@

# What is installed. systemd looks for units in /usr and in /usr/local; elsewhere set unitdir.
DESTDIR  ?=
PREFIX   ?= /usr/local
bindir   ?= $(PREFIX)/bin
man1dir  ?= $(PREFIX)/share/man/man1
man7dir  ?= $(PREFIX)/share/man/man7
unitdir  ?= $(PREFIX)/lib/systemd/system
bashdir  ?= $(PREFIX)/share/bash-completion/completions
PROGRAMS := hotsocket hotsocketctl
INSTALLED = $(PROGRAMS:%=$(bindir)/%) $(PROGRAMS:%=$(man1dir)/%.1) $(man7dir)/hotsocket-qmp.7 $(PROGRAMS:%=$(bashdir)/%) \
	$(unitdir)/hotsocket@.service

install: all
	$(Q)install -d -m 755 $(sort $(dir $(INSTALLED:%=$(DESTDIR)%)))
	$(Q)install -m 755 $(PROGRAMS:%=$(B)/%) $(DESTDIR)$(bindir)
	$(Q)install -m 644 $(PROGRAMS:%=$(B)/dist/%.1) $(DESTDIR)$(man1dir)
	$(Q)install -m 644 $(B)/dist/hotsocket-qmp.7 $(DESTDIR)$(man7dir)
	$(Q)install -m 644 $(B)/dist/hotsocket.bash $(DESTDIR)$(bashdir)/hotsocket
	$(Q)ln -sf hotsocket $(DESTDIR)$(bashdir)/hotsocketctl
	$(Q)sed 's|/usr/local/bin/|$(bindir)/|g' tools/dist/systemd/hotsocket@.service | install -m 644 /dev/stdin $(DESTDIR)$(unitdir)/hotsocket@.service
uninstall:
	$(Q)rm -f $(INSTALLED:%=$(DESTDIR)%)

# Unit tests: x_test.c stands beside x.c. WRAP_x names the calls that its test takes over.
KVM_CALLS        := ioctl mmap calloc malloc open pthread_create
WRAP_vmm/hotplug/hotplug := $(KVM_CALLS)
WRAP_vmm/hotplug/hotplug_removal := $(KVM_CALLS)
WRAP_vmm/hotplug/hotplug_walk := $(KVM_CALLS)
WRAP_vmm/kvm/vm   := $(KVM_CALLS)
WRAP_vmm/kvm/vcpu := $(KVM_CALLS)
WRAP_vmm/kvm/aarch64/psci := ioctl pthread_create
WRAP_vmm/kvm/aarch64/vcpu_image := ioctl
WRAP_vmm/kvm/aarch64/gic_image := ioctl
WRAP_vmm/kvm/x86_64/vcpu_image := ioctl calloc malloc
WRAP_vmm/config/spec_file_write := open openat flock pread fchown fchmod write fsync renameat unlinkat
WRAP_vmm/base/listen := socket fchmod bind listen
WRAP_vmm/qmp/qmp_abuse := getsockopt accept4
$(B)/%_test: $(B)/obj/%_test.o $(B)/libhotsocket.a
	@mkdir -p $(@D) && echo LINK $@
	$(call link,$(filter-out -static,$(LDFLAGS)) $(patsubst %,-Wl$(comma)--wrap=%,$(WRAP_$*)) $^ $(LDLIBS) -lcmocka)
$(patsubst %,$(B)/tools/ctl/%_test,lines ctl_fuzz): $(filter-out %/main.o,$(CTLSRC:%.c=$(B)/obj/%.o))
HOTPLUG := $(B)/vmm/hotplug/% $(B)/devices/cpuhp% # what the program is for is tested first
unit: all $(TESTS)
	@ARCH=$(ARCH) B=$(B) tools/unit $(filter $(HOTPLUG),$(TESTS)) $(filter-out $(HOTPLUG),$(TESTS)) \
		$(wildcard tools/dist/*_test tools/*_test guest-tests/*_test)

# Fuzz targets, by clang: all of the library is made anew for each, so that libFuzzer sees it.
$(B)/fuzz/%: %_fuzz.c $(LIBSRC) | $(B)/libhotsocket.a
	@mkdir -p $(@D) && echo FUZZ $@
	$(Q)clang $(filter-out -MMD -MP,$(CPPFLAGS)) -std=c11 -O1 -g -pthread -fno-sanitize-recover=all \
		-fsanitize=fuzzer$(comma)address$(comma)undefined $(filter %.c,$^) $(LDLIBS) -o $@
$(B)/fuzz/tools/ctl/ctl: $(filter-out tools/ctl/main.c,$(CTLSRC))
# A parser of the other architecture's is pure: it stands beside its target.
$(B)/fuzz/vmm/boot/aarch64/image: vmm/boot/aarch64/image.c

$(B)/bench_tables: $(B)/obj/tools/bench/tables.o $(B)/libhotsocket.a
	@echo LINK $@
	$(call link,$(LDFLAGS) $^ $(LDLIBS))

# Statically: it runs in the nested host, too, with the QMP client that people have.
$(B)/bench_vm: $(addprefix $(B)/obj/tools/,bench/vm.o bench/guest.o bench/console.o ctl/qmp.o ctl/lines.o)
	@echo LINK $@
	$(call link,$(LDFLAGS) $^ -ljansson)

# Prints the catalogue of refusals; tools/refusals holds it against docs/refusals.md.
$(B)/refusals: $(B)/obj/tools/refusals.o
	@echo LINK $@
	$(Q)$(CC) $(LDFLAGS) $^ -o $@

# Guests of the tests.
include guest-tests/images/bare.mk
guests: $(BARE)

lint:
	@tools/lint
check: unit lint
test:
	@ARCH=$(ARCH) SAN=$(SAN) LANE=$(LANE) CASE="$(CASE)" tools/test
demo:
	@ARCH=$(ARCH) tools/demo
bench:
	@tools/setup build nested
	@$(MAKE) --no-print-directory all guests $(B)/bench_tables $(B)/bench_vm
	@B=$(B) LANE=$(LANE) tools/bench/run $(ARGS)
fuzz:
	@B=$(B) tools/fuzz $(FOR)
format:
	clang-format -i $$(git ls-files '*.c' '*.h')
clean:
	rm -rf build
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
