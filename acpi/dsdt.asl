/* The DSDT, for the C preprocessor and then iasl (ACPI 6.4, chapters 5.6, 8.4, 19).
 *
 * The first scope is taken as it is. The last one is a sample of what stands there once
 * for each group of possible CPUs, a device and an arm in CTFY, and in the group once for each
 * CPU, an arm in GTFY and a device: dsdt.c repeats it and puts in names, the group's number
 * (0x55667788), the CPU's index (0x11223344; as an offset, 0xABC) and, in _MAT, APIC id
 * (0xCCBBAA99). Nothing may follow it. In the first scope it puts in the address of CSTA.
 *
 * Every access to a register is an exit of the vCPU, so each is made once. */

#include "acpi/layout.h"

#define NOTIFY_DEVICE_CHECK  1
#define NOTIFY_EJECT_REQUEST 3
#define NOTIFY_BUTTON        0x80

DefinitionBlock ("", "DSDT", 2, "HOTSKT", "HOTSOCKT", 1)
{
	Scope (\_SB)
	{
		Name (\_S5, Package () { SLEEP_S5_TYPE, 0, 0, 0 })

		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_CRS, ResourceTemplate () {
#if defined(__aarch64__)
				Memory32Fixed (ReadWrite, UART_BASE, UART_LEN)
				Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) { UART_INTR }
#else
				IO (Decode16, UART_BASE, UART_BASE, 0, UART_LEN)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { UART_INTR }
#endif
			})
		}

		Device (PWRB)
		{
			Name (_HID, EisaId ("PNP0C0C"))
		}

		/* The line is level: it stays high until all events are acknowledged. */
		Device (GED)
		{
			Name (_HID, "ACPI0013")
			Name (_CRS, ResourceTemplate () {
				Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) { GED_INTR }
			})
			OperationRegion (GEDR, SystemMemory, GED_BASE, GED_LEN)
			Field (GEDR, DWordAcc, NoLock, WriteAsZeros) { EVNT, 32 }

			Method (_EVT, 1, Serialized)
			{
				Local0 = EVNT
				If (Local0 & GED_POWER)
				{
					EVNT = GED_POWER
					Notify (PWRB, NOTIFY_BUTTON)
				}
				If (Local0 & GED_CPU)
				{
					\_SB.CPUS.CSCN ()
				}
			}
		}

		Device (CPUS)
		{
			Name (_HID, "ACPI0010")

			/* The _STA of each possible CPU, a byte. The VMM keeps them. */
			OperationRegion (CSTA, SystemMemory, 0x8070605040302010, CPUS_MAX)

			/* CPLK guards the block: whoever selects a CPU keeps it until done. */
			Mutex (CPLK, 0)
			OperationRegion (CPHP, SystemMemory, CPUHP_BASE, CPUHP_LEN)
			Field (CPHP, DWordAcc, NoLock, WriteAsZeros)
			{
				CSEL, 32, /* CPUHP_SELECTOR */
				Offset (CPUHP_NEXT), CNXT, 32
			}
			Field (CPHP, QWordAcc, NoLock, WriteAsZeros)
			{
				Offset (CPUHP_OST), CRES, 64
			}
			Field (CPHP, ByteAcc, NoLock, WriteAsZeros)
			{
				Offset (CPUHP_CONTROL), CCTL, 8
			}

			/* (CPU): ejects it. */
			Method (CEJ0, 1)
			{
				Acquire (CPLK, 0xFFFF)
				CSEL = Arg0
				CCTL = CPUHP_EJECT
				Release (CPLK)
			}

			/* (CPU, event, status): passes the guest's _OST on. */
			Method (COST, 3)
			{
				Acquire (CPLK, 0xFFFF)
				CSEL = Arg0
				CRES = Arg1 | (Arg2 << 32)
				Release (CPLK)
			}

			/* Notifies every CPU with a pending event and acknowledges what it saw, no
			 * more. The guest acts on a Notify after this method, as all it does then
			 * needs CPLK. CPUHP_NEXT searches from the selected CPU round to it again,
			 * so nothing needs to be selected first. An event that comes behind the last
			 * read keeps the GED's line up. */
			Method (CSCN)
			{
				Acquire (CPLK, 0xFFFF)
				Local0 = CPUHP_NEXT_MORE
				While (Local0 & CPUHP_NEXT_MORE)
				{
					Local0 = CNXT
					Local1 = (Local0 >> CPUHP_NEXT_STATUS_SHIFT) & (CPUHP_INSERT | CPUHP_REMOVE)
					If (Local1 == 0)
					{
						Break
					}
					Local2 = Local0 & CPUHP_NEXT_CPU_MASK
					If (Local1 & CPUHP_INSERT)
					{
						CTFY (Local2, NOTIFY_DEVICE_CHECK)
					}
					If (Local1 & CPUHP_REMOVE)
					{
						CTFY (Local2, NOTIFY_EJECT_REQUEST)
					}
					CCTL = Local1
				}
				Release (CPLK)
			}
		}
	}

	Scope (\_SB.CPUS)
	{
		Device (G000)
		{
			Name (_HID, "ACPI0010")
			Name (_UID, 0x55667788)

			/* (CPU, event). Through a Package of references Linux refuses to notify. */
			Method (GTFY, 2)
			{
				If (Arg0 == 0x11223344)
				{
					Notify (C000, Arg1)
				}
			}

			Device (C000)
			{
				Name (_HID, "ACPI0007")
				Name (_UID, 0x11223344)
#if !defined(__aarch64__)
				Name (_MAT, Buffer () {
					9, 16, 0, 0,            /* MADT: Processor Local x2APIC */
					0x99, 0xAA, 0xBB, 0xCC, /* APIC id */
					1, 0, 0, 0,             /* enabled */
					0x44, 0x33, 0x22, 0x11  /* _UID */
				})
#endif
				Field (CSTA, ByteAcc, NoLock, WriteAsZeros) { Offset (0xABC), _STA, 8 }
				Method (_OST, 3)
				{
					COST (_UID, Arg0, Arg1)
				}

				/* Stays last: the boot CPU's device ends before it. */
				Method (_EJ0, 1)
				{
					CEJ0 (_UID)
				}
			}
		}

		/* (CPU, event) */
		Method (CTFY, 2)
		{
			If ((Arg0 >> CPUS_GROUP_SHIFT) == 0x55667788)
			{
				^G000.GTFY (Arg0, Arg1)
			}
		}
	}
}
