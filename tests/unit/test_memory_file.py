import subprocess

from netproof.memory_file import MemoryFile


def test_it_is_opened_by_its_path_from_the_beginning_each_time():
    file = MemoryFile(b"content")

    assert file.path.is_file()
    assert [file.path.read_text() for _ in range(2)] == ["content", "content"]


def test_a_child_writes_it_by_the_same_path():
    file = MemoryFile()

    subprocess.run(["sh", "-c", f"echo said > {file.path}"], pass_fds=[file.fileno()], check=True)

    assert file.path.read_text() == "said\n"
