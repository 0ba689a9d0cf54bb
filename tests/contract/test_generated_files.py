from transfuse.generate.__main__ import stale_files


def test_generated_files_are_what_the_types_say() -> None:
    assert stale_files() == [], "run `make generate`"
