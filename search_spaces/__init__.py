'''What may be tuned: domains, conditions, and spaces made of them.

A *point* is a dictionary from the names of parameters to plain values. It holds active parameters
only: where the balancer is uniform, there is no temperature of ReLoBRaLo in it, not even an unused
one. A *space* is the ordered parameters, parents before children. What an option of a choice
brings is named after both, `<choice>.<option>.<parameter>`.

A space is written as data. `use` names spaces that come with the package (`NAMED_SPACES`), `set`
adds to them, narrows them or fixes them:

>>> import numpy as np
>>> from search_spaces import build, decode, encode, read_yaml
>>> space = build(
...     read_yaml("""
...         use: [balancer]
...         set:
...           width: {low: 16, high: 128, scale: log, default: 32}
...           balancer: {choice: [uniform, relobralo]}
...           balancer.relobralo.rho: 0.99
...     """)
... )
>>> space.default()
{'balancer': 'uniform', 'width': 32}
>>> space.default({"balancer": "relobralo"})["balancer.relobralo.temperature"]
0.1
>>> point = space.sample(np.random.default_rng(0))
>>> decode(space, encode(space, point)) == point
True

What cannot be meant is refused, all of it at once, with the place and the way out:

>>> build({"use": ["balancer"], "set": {"balancer.relobralo.beta": 0.9}})
Traceback (most recent call last):
    ...
search_spaces.faults.SpaceError: set.balancer.relobralo.beta: relobralo has no `beta`. \
It has alpha, rho, temperature.

`encode` and `decode` give searchers that need coordinates a vector in the unit cube, `point_hash`
names a point, and `read_yaml` reads YAML without its surprises.
'''

from search_spaces.build import build
from search_spaces.conditions import AtLeast, Condition, Equals, OneOf
from search_spaces.domains import Choice, Constant, Domain, DomainError, Float, Int
from search_spaces.encoding import decode, dimension, encode
from search_spaces.faults import Fault, SpaceError
from search_spaces.named_spaces import ADDITIONS, NAMED_SPACES, PARTS, named_space
from search_spaces.parameter import Parameter
from search_spaces.space import Point, Space, point_hash
from search_spaces.strict_yaml import YamlError, read_yaml
from search_spaces.values import Value

__all__ = [
    "ADDITIONS",
    "NAMED_SPACES",
    "PARTS",
    "AtLeast",
    "Choice",
    "Condition",
    "Constant",
    "Domain",
    "DomainError",
    "Equals",
    "Fault",
    "Float",
    "Int",
    "OneOf",
    "Parameter",
    "Point",
    "Space",
    "SpaceError",
    "Value",
    "YamlError",
    "build",
    "decode",
    "dimension",
    "encode",
    "named_space",
    "point_hash",
    "read_yaml",
]
