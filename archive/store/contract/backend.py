"""The promises of `backend.Backend`."""

from __future__ import annotations

import threading
from functools import partial

from ..backend import Backend
from ..errors import Busy, NotFound, StorageFailed, StoreError
from .ground import Ground, refusal


class BackendContract:
    """The promises of `backend.Backend`."""

    def test_appended_bytes_are_read_back_and_the_position_follows(self, ground: Ground) -> None:
        backend = ground.backend()
        writer = backend.append("packs/a", 0)
        writer.write(b"one")
        writer.write(b"two")
        assert writer.position == 6
        writer.sync()
        writer.close()
        assert ground.backend().read("packs/a", 0, 100) == b"onetwo"
        assert backend.size("packs/a") == 6

    def test_appending_at_a_position_drops_what_lay_beyond(self, ground: Ground) -> None:
        backend = ground.backend()
        write(backend, "packs/a", b"0123456789")
        writer = backend.append("packs/a", 4)
        assert backend.size("packs/a") == 4
        writer.write(b"x")
        writer.close()
        assert backend.read("packs/a", 0, 100) == b"0123x"

    def test_appending_beyond_the_end_is_refused_and_makes_nothing(self, ground: Ground) -> None:
        backend = ground.backend()
        write(backend, "packs/a", b"0123")
        for name in ("packs/a", "packs/b"):
            assert refusal(partial(backend.append, name, 5)) in {StorageFailed, NotFound}
        assert backend.names("packs") == ["packs/a"]
        assert backend.size("packs/a") == 4

    def test_reading_beyond_the_end_gives_what_there_is(self, ground: Ground) -> None:
        backend = ground.backend()
        write(backend, "packs/a", b"0123")
        assert backend.read("packs/a", 2, 10) == b"23"
        assert backend.read("packs/a", 4, 10) == b""
        assert backend.read("packs/a", 90, 10) == b""

    def test_what_is_missing_is_not_found(self, ground: Ground) -> None:
        backend = ground.backend()
        assert refusal(lambda: backend.size("packs/a")) is NotFound
        assert refusal(lambda: backend.read("packs/a", 0, 1)) is NotFound
        assert backend.names("packs") == []

    def test_names_are_those_of_the_folder_sorted(self, ground: Ground) -> None:
        backend = ground.backend()
        for name in ("packs/b", "packs/a", "journal/c"):
            write(backend, name, b"")
        assert backend.names("packs") == ["packs/a", "packs/b"]

    def test_put_replaces_the_whole_file_for_readers_who_had_read_it(self, ground: Ground) -> None:
        backend = ground.backend()
        backend.put("some.json", b"a long first version")
        assert backend.read("some.json", 0, 100) == b"a long first version"
        backend.put("some.json", b"second")
        assert backend.read("some.json", 0, 100) == b"second"
        assert backend.size("some.json") == 6

    def test_a_deleted_file_is_gone_and_its_name_is_free(self, ground: Ground) -> None:
        backend = ground.backend()
        write(backend, "packs/a", b"old and long")
        assert backend.read("packs/a", 0, 3) == b"old"
        backend.delete("packs/a")
        backend.delete("packs/a")
        assert refusal(lambda: backend.read("packs/a", 0, 3)) is NotFound
        write(backend, "packs/a", b"new")
        assert backend.read("packs/a", 0, 100) == b"new"

    def test_a_lock_excludes_other_threads_and_lets_its_holder_in_again(self, ground: Ground) -> None:
        backend = ground.backend()
        refused: list[type[StoreError] | None] = []
        with backend.lock("some.lock"), backend.lock("some.lock"):
            thread = threading.Thread(target=lambda: refused.append(refusal(lambda: take(backend))))
            thread.start()
            thread.join()
        assert refused == [Busy]
        assert refusal(lambda: take(backend)) is None

    def test_those_who_wait_for_a_lock_get_it_one_after_the_other(self, ground: Ground) -> None:
        backend = ground.backend()
        inside, most = 0, 0

        def work() -> None:
            nonlocal inside, most
            for _ in range(20):
                with backend.lock("some.lock"):
                    inside += 1
                    most = max(most, inside)
                    inside -= 1

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert (most, inside) == (1, 0)


def write(backend: Backend, name: str, data: bytes) -> None:
    writer = backend.append(name, 0)
    writer.write(data)
    writer.sync()
    writer.close()


def take(backend: Backend) -> None:
    with backend.lock("some.lock", wait=False):
        pass
