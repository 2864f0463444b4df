"""Opens the inspector and the progress bar where the plugin is off."""

from __future__ import annotations

from taurus.external.qt import Qt

app = Qt.QApplication([])

from taurus_tpo.qt import FirstReadProgress, Inspector  # noqa: E402

inspector, bar = Inspector(), FirstReadProgress()
inspector.show()
bar.refresh()
print(inspector._status.text(), bar.summary.wanted)
