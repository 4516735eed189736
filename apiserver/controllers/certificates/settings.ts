/** The ConfigMap kube-system/sauropod-config: what a host that joins needs to know, kept as this server was configured. */
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { type ClusterSettings, settingsData, settingsMap } from "../../../lib/join/settings.ts";
import type { New } from "../../../lib/kind.ts";
import { isReason } from "../../../lib/status.ts";
import type { ConfigMap } from "../../../lib/types/core_v1.ts";
import { ConfigMap as ConfigMapKind } from "../../../lib/types/kinds.ts";
import { createBell } from "../changes.ts";
import type { Parts } from "../parts.ts";
import { same } from "../same.ts";

export interface SettingsView {
  map: ConfigMap | undefined;
  settings: ClusterSettings;
}

export type SettingsAction =
  | { do: "create"; map: New<ConfigMap>; why: string }
  | { do: "update"; map: ConfigMap; why: string };

export function planSettings({ map, settings }: SettingsView): readonly SettingsAction[] {
  const data = settingsData(settings);
  if (map === undefined) {
    return [{ do: "create", map: { metadata: { ...settingsMap }, data }, why: "hosts that join read it" }];
  }
  return same(map.data, data) ? [] : [{ do: "update", map: { ...map, data }, why: "the settings are others" }];
}

export function settingsController({ informers, config }: Parts): Controller<SettingsView, SettingsAction> {
  const { clusterSettings } = informers;
  const { namespace, name } = settingsMap;
  return {
    name: "cluster-settings",
    sources: [createBell("settings", [name]).source, source(clusterSettings, () => [name])],
    view: () => ({ map: clusterSettings.get(`${namespace}/${name}`), settings: config.settings }),
    plan: planSettings,
    async execute(action, client) {
      try {
        if (action.do === "create") await client.create(ConfigMapKind, action.map);
        else await client.update(ConfigMapKind, action.map);
      } catch (error) {
        if (!isReason(error, "AlreadyExists")) throw error;
      }
    },
  };
}
