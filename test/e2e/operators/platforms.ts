import { autoscaling } from './autoscaling.ts';
import { certificates } from './certificates.ts';
import { composition } from './composition.ts';
import { delivery } from './delivery.ts';
import { gateway } from './gateway.ts';
import { monitoring } from './monitoring.ts';
import { pipelines } from './pipelines.ts';
import type { Platform } from './platform.ts';
import { policy } from './policy.ts';

export const platforms: readonly Platform[] = [
  ...[certificates, delivery, monitoring, gateway],
  ...[policy, pipelines, autoscaling, composition],
];
