"""The studies, by name."""

from benchmarks.reproduce import (
    brock_mirman_search,
    burgers1d,
    genz3_scales,
    genz_search,
    helmholtz2d,
    irbc,
    irbc_ten,
    kirchhoff,
    labor_table,
    olg,
    regression10d,
    wave1d,
)
from benchmarks.reproduce.study import Study

STUDIES: dict[str, Study] = {
    module.STUDY.name: module.STUDY
    for module in (
        genz_search,
        regression10d,
        genz3_scales,
        brock_mirman_search,
        labor_table,
        olg,
        irbc,
        irbc_ten,
        wave1d,
        burgers1d,
        helmholtz2d,
        kirchhoff,
    )
}
