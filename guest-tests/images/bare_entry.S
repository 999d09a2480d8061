/* Where a CPU of the bare-metal guest begins: the first one in 32-bit mode without paging
 * (PVH: EBX = start info), the others in 16-bit mode at BARE_TRAMPOLINE. Both go straight to
 * 64-bit mode, on static page tables that map the first 8 GiB one to one by 2 MiB pages. */
#include "guest-tests/images/bare_layout.h"

#define CODE64   0x08
#define DATA     0x10
#define CR0_LONG 0x80000011 /* PG, ET, PE */
#define CR4_PAE  0x20
#define EFER     0xc0000080
#define EFER_LME 0x100
#define PTE      0x3  /* present, writable */
#define PTE_2M   0x83 /* and a large page */

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 8, 18 /* name and value length, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad bare_entry

	.section .data.tables, "aw"
	.balign 4096
pml4:
	.quad pdpt + PTE
	.fill 511, 8, 0
pdpt:
	.set i, 0
	.rept 8
	.quad pd + i * 4096 + PTE
	.set i, i + 1
	.endr
	.fill 504, 8, 0
pd:
	.set i, 0
	.rept 8 * 512
	.quad i * 0x200000 + PTE_2M
	.set i, i + 1
	.endr

	.data
	.balign 8
gdt:
	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_end:
	.word 0
gdt_pointer:
	.word gdt_end - gdt - 1
	.quad gdt

	.bss
	.balign 16
	.skip 8192
stack_top:

	.text
	.code32
	.globl bare_entry
bare_entry:
	cli
	cld
	movl $stack_top, %esp
	movl %ebx, %edi /* bare_main's argument */
	lgdt gdt_pointer
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $pml4, %eax
	movl %eax, %cr3
	movl $EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl $CR0_LONG, %eax
	movl %eax, %cr0
	ljmp $CODE64, $1f
	.code64
1:
	movl $DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %edi, %edi
	call bare_main
2:
	cli
	hlt
	jmp 2b

/* Copied to BARE_TRAMPOLINE. The first CPU fills in the port, and starts one CPU at a time. */
	.balign 16
	.globl bare_trampoline, bare_trampoline_end, bare_trampoline_port
	.code16
bare_trampoline:
	movb $BARE_MARK, %al
	.byte 0xba /* mov $PORT, %dx */
bare_trampoline_port:
	.word 0x80
	outb %al, %dx /* the first thing that it does can be seen from outside */
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl BARE_TRAMPOLINE + 3f - bare_trampoline
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $pml4, %eax
	movl %eax, %cr3
	movl $EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl $CR0_LONG, %eax
	movl %eax, %cr0
	ljmpl $CODE64, $4f
	.balign 4
3:
	.word gdt_end - gdt - 1
	.long gdt
bare_trampoline_end:

	.code64
4:
	movl $DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movq bare_ap_stack, %rsp
	movl bare_ap_index, %edi
	call bare_ap_main
	jmp 2b

/* Sleeps until an interrupt. STI lets none in before the HLT, but QEMU's emulation of SVM forgets
 * that when it enters a guest (its VMRUN does not load the interrupt shadow): one that came there
 * would be served, and its work slept through. So no handler returns to the HLT. */
	.globl bare_sleep
bare_sleep:
	sti
bare_sleep_hlt:
	hlt
bare_sleep_end:
	cli
	ret

/* Interrupts: the handler of each is a C function without arguments. */
	.macro interrupt name, handler
	.globl \name
\name:
	push %rax
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	cld
	call \handler
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rax
	cmpq $bare_sleep_hlt, (%rsp)
	jne 6f
	movq $bare_sleep_end, (%rsp)
6:
	iretq
	.endm
	interrupt bare_isr_ged, bare_on_ged
	interrupt bare_isr_uart, bare_on_uart
	interrupt bare_isr_spurious, bare_on_spurious

/* Exceptions: 16 bytes of code each; bare_on_exception(number, stack) does not return. */
	.globl bare_isr_exceptions
	.balign 16
bare_isr_exceptions:
	.set i, 0
	.rept 32
	.balign 16
	movl $i, %edi
	jmp 5f
	.set i, i + 1
	.endr
5:
	movq %rsp, %rsi
	cld
	call bare_on_exception

	.section .note.GNU-stack, "", @progbits
