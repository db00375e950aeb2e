import pickle

import pytest
import torch

from trainables.checkpoints import MAGIC, DamagedCheckpoint, load, save


def test_what_was_saved_is_loaded(tmp_path):
    state = {"tensor": torch.rand(3), "nested": {"number": 1.5, "text": "a", "flag": True}}
    save(state, tmp_path / "state.pt")
    found = load(tmp_path / "state.pt")
    assert torch.equal(found.pop("tensor"), state.pop("tensor"))
    assert found == state
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


@pytest.mark.parametrize("place", [0, 40, 200, -1])
def test_a_flipped_byte_anywhere_is_noticed(tmp_path, place):
    path = tmp_path / "state.pt"
    save({"tensor": torch.rand(100)}, path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedCheckpoint):
        load(path)


@pytest.mark.parametrize("length", [0, 10, 95, 300])
def test_a_file_cut_short_is_noticed(tmp_path, length):
    path = tmp_path / "state.pt"
    save({"tensor": torch.rand(100)}, path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DamagedCheckpoint):
        load(path)


def test_a_planted_pickle_is_not_run_even_with_a_right_checksum(tmp_path):
    import hashlib

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    payload = pickle.dumps(Evil())
    digest = hashlib.sha256(payload).hexdigest().encode()
    (tmp_path / "state.pt").write_bytes(MAGIC + digest + b"\n" + payload)
    with pytest.raises(DamagedCheckpoint):
        load(tmp_path / "state.pt")
    assert not (tmp_path / "owned").exists()
