"""What a virtual machine is made of: archives, module order, image contents, accelerator, command line."""

import shutil
import subprocess

import pytest

from netproof.errors import NetproofError
from netproof.node.vm import image, kernel, qemu, start
from netproof.node.vm.cpio import Archive
from netproof.node.vm.kernel import Kernel, find_kernel
from netproof.node.vm.qemu import VirtualHardware

RELEASE = "6.1.0-56-cloud-amd64"


@pytest.fixture
def made_kernel(tmp_path):
    modules = tmp_path / "lib/modules" / RELEASE
    (modules / "kernel").mkdir(parents=True)
    for name in ("a", "b", "c", "virtio_blk"):
        (modules / f"kernel/{name}.ko").write_bytes(name.encode())
    (modules / "modules.dep").write_text(
        "kernel/a.ko:\nkernel/b.ko: kernel/a.ko\nkernel/c.ko: kernel/b.ko kernel/a.ko\nkernel/virtio_blk.ko:\n"
    )
    return Kernel(RELEASE, tmp_path / "vmlinuz", modules)


def test_a_module_comes_after_those_that_it_needs(made_kernel):
    found = start.modules_in_order(made_kernel, ["c", "no-such-module", "virtio_blk"])

    assert [path.stem for path in found] == ["a", "b", "c", "virtio_blk"]


@pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox, which unpacks the archive, is not installed")
def test_an_archive_is_what_cpio_unpacks_and_a_later_one_lies_over_it(tmp_path):
    first, second = Archive(), Archive()
    first.file("/a/b/file", b"first", mode=0o755)
    first.link("/a/link", "b/file")
    second.file("/a/b/file", b"second")

    for archive in (first, second):
        subprocess.run(["busybox", "cpio", "-idmu"], cwd=tmp_path, input=archive.encode(), check=True)

    assert (tmp_path / "a/link").read_bytes() == b"second"
    assert (tmp_path / "a/link").is_symlink()


def test_a_module_compressed_in_an_unknown_way_is_an_error(made_kernel):
    dep = made_kernel.modules / "modules.dep"
    dep.write_text("kernel/virtio_blk.ko.zst:\n")
    (made_kernel.modules / "kernel/virtio_blk.ko.zst").write_bytes(b"")

    with pytest.raises(NetproofError, match="virtio_blk"):
        start.first_archive(made_kernel, made_kernel.modules / "modules.dep")


def test_a_link_and_the_file_behind_it_are_both_in_the_image(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real/program").write_text("here")
    (tmp_path / "link").symlink_to("real")
    tree = image.Tree()

    tree.add(tmp_path / "link/program")

    assert tree.links[str(tmp_path / "link")] == "real"
    assert str(tmp_path / "real/program") in tree.files


def test_the_name_of_an_image_follows_from_what_is_in_it(tmp_path):
    program = tmp_path / "program"
    program.write_text("one")
    tree = image.Tree()
    tree.add(program)
    before = tree.key()

    program.write_text("other")

    assert tree.key() != before


def test_a_program_brings_its_libraries():
    libraries = [path.name for path in image.libraries_of([shutil.which("sh")])]

    assert any(name.startswith("libc.so") for name in libraries)
    assert any(name.startswith("ld-linux") for name in libraries)


def test_the_newest_kernel_in_the_cache_is_taken(tmp_path):
    for release in ("6.1.0-9-cloud-amd64", "6.1.0-56-cloud-amd64"):
        root = tmp_path / f"linux-image-{release}"
        (root / "boot").mkdir(parents=True)
        (root / f"boot/vmlinuz-{release}").touch()
        (root / "lib/modules" / release).mkdir(parents=True)

    assert find_kernel(tmp_path).release == RELEASE


def test_without_a_package_of_the_kernel_the_remedy_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel, "find_kernel", lambda _: None)
    monkeypatch.setattr(kernel, "package_name", lambda: "")

    with pytest.raises(NetproofError) as refused:
        kernel.get_kernel(tmp_path)

    assert "apt-get" in refused.value.remedy


@pytest.mark.parametrize(
    ("script", "accelerator", "why"),
    [
        ("exit 0", "kvm", "booted"),
        ("echo no such vcpu >&2; exit 1", "tcg", "no such vcpu"),
        ("exec sleep 60", "tcg", "hung"),
    ],
)
def test_kvm_is_used_where_a_trial_of_it_works(tmp_path, monkeypatch, script, accelerator, why):
    program = tmp_path / "qemu"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    device = tmp_path / "kvm"
    device.touch()
    monkeypatch.setattr(qemu, "PROGRAM", str(program))
    monkeypatch.setattr(qemu, "_TRIAL_SECONDS", 0.5)

    found, reason = qemu.working_accelerator(tmp_path / "vmlinuz", device)

    assert found == accelerator
    assert why in reason


def test_without_the_device_there_is_no_trial(tmp_path):
    assert qemu.working_accelerator(tmp_path / "vmlinuz", tmp_path / "kvm")[0] == "tcg"


def test_an_emulated_processor_has_no_wide_vectors(tmp_path):
    hardware = VirtualHardware("vmlinuz", "initrd", "root.sqfs", "images.sqfs", "tcg")

    argv = qemu.command_line(
        hardware, initrd=tmp_path / "n1.initrd", tap="p-n1", mac="52:54:ac:11:00:0b", port=tmp_path
    )

    assert {"-avx", "-avx2"} <= set(argv[argv.index("-cpu") + 1].split(","))
    assert "ifname=p-n1" in " ".join(argv)
