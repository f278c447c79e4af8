"""Fills an empty shop; doing it twice changes nothing."""

from store import Store

STOCK = {"oars": 12, "rope": 40, "lantern": 7}

with Store(timeout=10.0) as store:
    for name, count in STOCK.items():
        store.call("SADD", "articles", name)
        store.call("SETNX", "stock:" + name, count)
    print("articles in the shop:", store.call("SCARD", "articles"))
