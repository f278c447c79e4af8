import type { CustomResourceColumnDefinition, CustomResourceDefinition, JSONSchemaProps } from '../types.ts';
import type { Schema } from './schema.ts';

/** A definition of Widgets with one version and a schema; for tests. */
export function definitionOf(
  schema: Schema | undefined,
  options: {
    status?: boolean;
    scale?: boolean;
    columns?: CustomResourceColumnDefinition[];
    selectable?: string[];
  } = {},
): CustomResourceDefinition {
  const { status, scale, columns, selectable } = options;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' } as CustomResourceDefinition['metadata'],
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      conversion: { strategy: 'None' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema as unknown as JSONSchemaProps },
          ...((status || scale) && {
            subresources: {
              ...(status && { status: {} }),
              ...(scale && { scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } }),
            },
          }),
          ...(columns && { additionalPrinterColumns: columns }),
          ...(selectable && { selectableFields: selectable.map(jsonPath => ({ jsonPath })) }),
        },
      ],
    },
    status: { storedVersions: ['v1'] },
  };
}
