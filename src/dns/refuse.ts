import type { Link } from './link.ts';
import { classIn, rcodes, types } from './message.ts';

/** What is not answered for anybody: other classes, zone transfers, later versions of EDNS. */
export function createRefuse(): Link {
  return {
    name: 'refuse',
    answer(query, next) {
      if (query.edns && query.edns.version > 0) return { zone: '.', rcode: rcodes.BADVERS };
      const isTransfer = query.type === types.AXFR || query.type === types.IXFR;
      if (query.class !== classIn || isTransfer || query.type === types.OPT)
        return { zone: '.', rcode: rcodes.REFUSED };
      return next(query);
    },
  };
}
