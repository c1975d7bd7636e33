"""QEMU: the command line of a machine, and which accelerator works on this host."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from netproof.node.vm.guest import PORT_NAME
from netproof.node.vm.start import COMMAND_LINE

PROGRAM = "qemu-system-x86_64"
_KVM_DEVICE = Path("/dev/kvm")
KVM, EMULATION = "kvm", "tcg"
_TRIAL_SECONDS = 10.0
_EMULATED_CPU = "max,-avx,-avx2,-la57,-smap,-smep,-umip,-pku"
"""What costs more than it gives where it is emulated: wide vector instructions, a fifth level of page tables, and what
guards a kernel from the programs on it.
"""
_TRIAL_MEMORY_MIB = 256
MEMORY_MIB = 3072
"""What each machine has: a node's own programs and images lie in it, and are half of that."""


@dataclass(frozen=True, slots=True)
class VirtualHardware:
    """What every virtual machine of a cluster is made of.

    Attributes:
        kernel: the kernel's file.
        initrd: the first archive of its initial file system.
        image: the root file system.
        unpacked_images: the file system with the unpacked images of its container runtime.
        accelerator: ``kvm``, or ``tcg`` for software emulation.
        memory_mib: its memory.
        processors: how many it has.
    """

    kernel: str
    initrd: str
    image: str
    unpacked_images: str
    accelerator: str
    memory_mib: int = MEMORY_MIB
    processors: int = 2


def command_line(hardware: VirtualHardware, *, initrd: Path, tap: str, mac: str, port: Path) -> list[str]:
    """What runs a machine; its console is QEMU's output.

    Args:
        hardware: what it is made of.
        initrd: both archives of its initial file system.
        tap: its network interface on the LAN's bridge.
        mac: the address of its network card.
        port: the unix socket that leads to its serial port.
    """
    emulated = hardware.accelerator == EMULATION
    accelerator = f"{EMULATION},thread=multi,tb-size=512" if emulated else hardware.accelerator
    return [
        PROGRAM,
        *("-machine", "q35,usb=off,graphics=off", "-accel", accelerator),
        *("-cpu", _EMULATED_CPU if emulated else "max"),
        *("-smp", str(hardware.processors), "-m", str(hardware.memory_mib)),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-kernel", hardware.kernel, "-initrd", str(initrd), "-append", COMMAND_LINE),
        *("-drive", f"file={hardware.image},format=raw,if=virtio,readonly=on"),
        *("-drive", f"file={hardware.unpacked_images},format=raw,if=virtio,readonly=on"),
        *("-netdev", f"tap,id=lan,ifname={tap},script=no,downscript=no"),
        *("-device", f"virtio-net-pci,netdev=lan,mac={mac},romfile="),
        *("-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=port,path={port},server=on,wait=off"),
        *("-device", f"virtserialport,chardev=port,name={PORT_NAME}"),
        *("-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"),
    ]


def working_accelerator(kernel: Path, device: Path = _KVM_DEVICE) -> tuple[str, str]:
    """The accelerator to use, and why.

    KVM is tried by booting the kernel without a root, which ends in a panic, and with ``panic=-1 -no-reboot`` that ends
    QEMU: within two seconds where KVM works. A KVM that hangs, as one inside a virtual machine may, is given up.
    """
    if not os.access(device, os.R_OK | os.W_OK):
        return EMULATION, f"{device} is not there, or not for this user"
    trial = [
        PROGRAM,
        *("-accel", KVM, "-cpu", "max", "-m", str(_TRIAL_MEMORY_MIB), "-nodefaults", "-no-user-config", "-no-reboot"),
        *("-display", "none", "-kernel", str(kernel), "-append", "panic=-1 quiet"),
    ]
    try:
        done = subprocess.run(
            trial, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_TRIAL_SECONDS
        )
    except subprocess.TimeoutExpired:
        return EMULATION, f"a trial of KVM hung for {_TRIAL_SECONDS:g} s"
    if done.returncode:
        return EMULATION, f"a trial of KVM failed: {done.stderr.strip().splitlines()[-1:] or done.returncode}"
    return KVM, "a trial of KVM booted"
