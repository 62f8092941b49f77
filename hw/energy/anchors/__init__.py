"""Published figures that the package must reproduce, by subject.

``counting``  products, events, bit planes, bit budgets of published architectures
``digital``   arithmetic, ``op45``, ``lemaire22``, ``yan24``
``hardware``  chips against silicon, crossbar cells, converters
"""
