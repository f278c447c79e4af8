import type { EndpointSlice } from '#api';
import { resources } from '#api';
import type { Client } from '#client';
import { isNotFound, refOf } from '#client';
import type { Expectations } from '../expectations.ts';

/** What is to be done about the slices of one Service or one Endpoints object. */
export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** Makes it so. What is created is expected under the key, so that it is not made twice before the informer shows it. */
export async function applySlices(
  plan: SlicePlan,
  { client, expectations, key }: { client: Client; expectations: Expectations; key: string },
): Promise<void> {
  const { endpointslices } = resources;
  for (const slice of plan.update) await client.update(endpointslices, slice);
  for (const slice of plan.create) {
    expectations.expectCreations(key, 1);
    await client.create(endpointslices, slice).catch(error => {
      expectations.creationObserved(key);
      throw error;
    });
  }
  for (const slice of plan.remove) {
    await client.delete(endpointslices, refOf(slice)).catch(error => {
      if (!isNotFound(error)) throw error;
    });
  }
}
