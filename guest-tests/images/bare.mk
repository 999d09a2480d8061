# The bare-metal guest: a PVH ELF file without any library. Included by the Makefile.
BARE       := $(B)/guest/bare.elf
BARE_SRC   := $(wildcard guest-tests/images/bare*.c guest-tests/images/bare*.S)
BARE_FLAGS := -std=c11 -Os -g $(WARN) -I. -MMD -MP -m64 -ffreestanding -fno-pic -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -fno-delete-null-pointer-checks \
	-mcmodel=small -mno-red-zone -mgeneral-regs-only
BARE_OBJ   := $(patsubst guest-tests/images/%,$(B)/guest/%.o,$(BARE_SRC))

$(BARE): $(BARE_OBJ) guest-tests/images/bare.ld
	@echo LINK $@
	$(Q)$(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 \
		-Wl,--no-warn-rwx-segments -Wl,-T,guest-tests/images/bare.ld $(BARE_OBJ) -o $@
$(B)/guest/bare%.o: guest-tests/images/bare%
	@mkdir -p $(@D) && echo CC $<
	$(Q)$(CC) $(BARE_FLAGS) -c $< -o $@
-include $(BARE_OBJ:.o=.d)
