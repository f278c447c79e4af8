import type { Role, RoleBinding } from '#api';
import { eventsRule, read, role, roleBinding, rule, toServiceAccount, toUser } from './bootstrap-rule.ts';

// Facts after upstream's bootstrappolicy/namespace_policy.go, release 1.36.

const system = 'kube-system';
const shared = 'kube-public';

export const bootstrapRoles: readonly Role[] = [
  role(system, 'extension-apiserver-authentication-reader', [
    rule(read, 'core', 'configmaps', ['extension-apiserver-authentication']),
  ]),
  role(system, 'system:controller:bootstrap-signer', [rule(read, 'core', 'secrets')]),
  role(system, 'system:controller:cloud-provider', [rule('create get list watch', 'core', 'configmaps')]),
  role(system, 'system:controller:token-cleaner', [rule('delete get list watch', 'core', 'secrets'), eventsRule]),
  role(system, 'system::leader-locking-kube-controller-manager', [
    rule('watch', 'core', 'configmaps'),
    rule('get update', 'core', 'configmaps', ['kube-controller-manager']),
  ]),
  role(system, 'system::leader-locking-kube-scheduler', [
    rule('watch', 'core', 'configmaps'),
    rule('get update', 'core', 'configmaps', ['kube-scheduler']),
  ]),
  role(shared, 'system:controller:bootstrap-signer', [
    rule(read, 'core', 'configmaps'),
    rule('update', 'core', 'configmaps', ['cluster-info']),
    eventsRule,
  ]),
];

const managers = [toUser('system:kube-controller-manager'), toUser('system:kube-scheduler')];

export const bootstrapRoleBindings: readonly RoleBinding[] = [
  roleBinding(
    system,
    'extension-apiserver-authentication-reader',
    managers,
    'system::extension-apiserver-authentication-reader',
  ),
  roleBinding(system, 'system::leader-locking-kube-controller-manager', [
    toUser('system:kube-controller-manager'),
    toServiceAccount(system, 'kube-controller-manager'),
  ]),
  roleBinding(system, 'system::leader-locking-kube-scheduler', [
    toUser('system:kube-scheduler'),
    toServiceAccount(system, 'kube-scheduler'),
  ]),
  roleBinding(system, 'system:controller:bootstrap-signer', [toServiceAccount(system, 'bootstrap-signer')]),
  roleBinding(system, 'system:controller:cloud-provider', [toServiceAccount(system, 'cloud-provider')]),
  roleBinding(system, 'system:controller:token-cleaner', [toServiceAccount(system, 'token-cleaner')]),
  roleBinding(shared, 'system:controller:bootstrap-signer', [toServiceAccount(system, 'bootstrap-signer')]),
];
