// Owns what a dashboard of ours may be: Grafana's own type, as JSON has it, and its panels narrowed to those that we use.
import type { Dashboard, FieldConfig, FieldConfigSource, Panel, RowPanel } from '@grafana/schema';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** A type as JSON has it: members of enums that are text are that text. All else stays as it is. */
type Plain<T> = 0 extends 1 & T
    ? T // any
    : T extends string
      ? `${T}`
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T;

/** What Grafana takes for a dashboard. */
export type AnyDashboard = Plain<Dashboard>;

/** A query to Prometheus: the package has no type of it. */
interface Query {
    refId: string;
    datasource: { type: 'prometheus'; uid: '${datasource}' };
    expr: string;
    legendFormat: string;
    instant?: boolean;
    range?: boolean;
    format?: 'time_series' | 'table' | 'heatmap';
}

interface DataLink {
    title: string;
    url: string;
    targetBlank: boolean;
}

/** A panel of one kind, with that kind's options and settings of fields; nothing else may be in it. */
type PanelOf<Type extends string, Options, Custom> = Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
    id: number;
    type: Type;
    title: string;
    description: string;
    options: Options;
    targets: Query[];
    fieldConfig: Omit<FieldConfigSource, 'defaults'> & {
        defaults: Omit<FieldConfig, 'custom' | 'links'> & { custom?: Custom; links?: DataLink[] };
    };
};

type OurPanel =
    | PanelOf<'bargauge', bargauge.Options, never>
    | PanelOf<'heatmap', heatmap.Options, heatmap.FieldConfig>
    | PanelOf<'stat', stat.Options, never>
    | PanelOf<'table', table.Options, Partial<table.FieldConfig>>
    | PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>;

/** A dashboard with panels of these kinds alone. */
export type OurDashboard = Plain<
    Omit<Dashboard, 'panels'> & { uid: string; title: string; panels: (OurPanel | RowPanel)[] }
>;

/** The legend of a panel over time. */
export type OurLegend = Plain<timeseries.Options['legend']>;
