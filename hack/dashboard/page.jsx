// Draws the chart's dashboard with Grafana's own components, outside Grafana, with what the Prometheus of its address has.
import "@fontsource/inter/400.css";
import "@fontsource/inter/500.css";
import {
  FieldConfigOptionsRegistry, FieldType, applyFieldOverrides, createTheme, dateTime, dateTimeFormat,
  getFieldDisplayName, getFieldDisplayValues, standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame,
} from "@grafana/data";
import { BigValue, GlobalStyles, PanelChrome, Table, TimeSeries } from "@grafana/ui";
import { createRoot } from "react-dom/client";
import { lastValueFrom } from "rxjs";
import board from "../../charts/todoapp-operator/files/dashboard.json";

const [range, scrape, timeZone, gap, cell, width] = [6 * 3600, 30, "utc", 8, 30, 1368];
const end = Number(location.hash.slice(1));
const theme = createTheme({ colors: { mode: "dark" } });
const timeRange = { from: dateTime((end - range) * 1000), to: dateTime(end * 1000), raw: { from: "now-6h", to: "now" } };

// What Grafana's panels would register of the options that the dashboard sets.
const option = (isCustom) => (path) => ({
  id: isCustom ? `custom.${path}` : path, path, isCustom, process: (value) => value, shouldApply: () => true,
});
const standard = ["unit", "decimals", "min", "max", "mappings", "thresholds", "color", "noValue"];
const custom = ["cellOptions", "minWidth", "width", "drawStyle", "fillOpacity", "lineWidth", "showPoints"];
const fieldConfigRegistry = new FieldConfigOptionsRegistry(() => [...standard.map(option(false)), ...custom.map(option(true))]);
const transformers = [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer];
standardTransformersRegistry.setInit(() => transformers.map((t) => ({ id: t.id, name: t.name, transformation: t })));

const seconds = (duration) => parseInt(duration) * { s: 1, m: 60, h: 3600 }[duration.at(-1)];

async function ask(path, query) {
  const { data, error } = await (await fetch(`/api/v1/${path}?${new URLSearchParams(query)}`)).json();
  if (!data?.result.length) throw new Error(`${query.query}: ${error ?? "no data"}`);
  return data.result;
}

// frames asks what a panel asks, of all namespaces and apps.
async function frames(panel, pixels) {
  const step = Math.max(scrape * Math.ceil(range / pixels / scrape), panel.interval ? seconds(panel.interval) : 0);
  const rateInterval = Math.max(step + scrape, 4 * scrape);
  const filled = { $__rate_interval: `${rateInterval}s`, $__range: `${range}s`, $namespace: ".*", $app: ".*" };
  const all = await Promise.all(panel.targets.map(async (target) => {
    const query = target.expr.replace(/\$\w+/g, (name) => filled[name]);
    if (target.instant) return [table(await ask("query", { query, time: end }), `Value #${target.refId}`)];
    const result = await ask("query_range", { query, start: end - range, end, step });
    return result.map((series) => line(series, target.legendFormat, step));
  }));
  return all.flat();
}

function line({ metric, values }, legend, step) {
  const displayNameFromDS = legend.replace(/{{(\w+)}}/g, (_, label) => metric[label]);
  return toDataFrame({ fields: [
    { name: "Time", type: FieldType.time, values: values.map(([t]) => t * 1000), config: { interval: step * 1000 } },
    { name: "Value", type: FieldType.number, values: values.map(([, v]) => Number(v)), config: { displayNameFromDS } },
  ] });
}

function table(result, name) {
  return toDataFrame({ fields: [
    { name: "Time", type: FieldType.time, values: result.map(() => end * 1000) },
    ...["app_namespace", "app_name"].map((label) => ({ name: label, values: result.map(({ metric }) => metric[label]) })),
    { name, type: FieldType.number, values: result.map((r) => Number(r.value[1])) },
  ] });
}

// What Grafana's panels begin with where the dashboard says nothing.
const usual = {
  stat: { color: { mode: "thresholds" } },
  timeseries: { color: { mode: "palette-classic" }, custom: { drawStyle: "line", lineWidth: 1, showPoints: "auto" } },
};

function configured(panel, data) {
  const begun = usual[panel.type];
  const defaults = { ...begun, ...panel.fieldConfig.defaults, custom: { ...begun?.custom, ...panel.fieldConfig.defaults.custom } };
  const fieldConfig = { ...panel.fieldConfig, defaults };
  const shared = { fieldConfig, theme, timeZone, replaceVariables: (text) => text };
  return { ...shared, data: applyFieldOverrides({ ...shared, data, fieldOptions: fieldConfig, fieldConfigRegistry }) };
}

const drawn = {
  stat({ panel, shared, width, height }) {
    const { reduceOptions, colorMode, graphMode } = panel.options;
    const [{ display }] = getFieldDisplayValues({ ...shared, reduceOptions });
    return <BigValue value={{ ...display, title: "" }} textMode="value" {...{ colorMode, graphMode, theme, width, height }} />;
  },
  timeseries({ panel, shared, width, height }) {
    const legend = { ...panel.options.legend, calcs: [] };
    return <TimeSeries frames={shared.data} structureRev={1} {...{ legend, timeRange, timeZone, width, height }} />;
  },
  table({ panel, shared, width, height }) {
    const { cellHeight, sortBy } = panel.options;
    return <Table data={shared.data[0]} initialSortBy={sortBy} {...{ cellHeight, timeRange, width, height }} />;
  },
  "state-timeline": Timeline,
};

// Timeline stands for Grafana's state timeline, which is not among its published components.
function Timeline({ shared, width, height }) {
  const [names, axis] = [150, 40];
  const row = (height - axis) / shared.data.length;
  const x = (ms) => names + ((ms / 1000 - (end - range)) / range) * (width - names);
  const states = shared.data.flatMap((frame, i) => {
    const [time, value] = frame.fields;
    const starts = value.values.flatMap((v, j) => (j === 0 || v !== value.values[j - 1] ? [j] : []));
    const ends = [...starts.slice(1), value.values.length - 1];
    const moment = (j) => x(time.values[j]);
    return starts.map((j, n) => ({ i, from: moment(j), to: moment(ends[n]), shown: value.display(value.values[j]) }));
  });
  const legend = Object.values(shared.fieldConfig.defaults.mappings[0].options);
  return (
    <svg width={width} height={height} fontSize={12} fill={theme.colors.text.primary}>
      {shared.data.map((frame, i) => (
        <text key={i} x={names - 8} y={(i + 0.5) * row + 4} textAnchor="end">{getFieldDisplayName(frame.fields[1], frame)}</text>
      ))}
      {states.map(({ i, from, to, shown }) => (
        <g key={`${i} ${from}`}>
          <rect x={from} y={i * row + 1} width={to - from} height={row - 3} fill={shown.color} fillOpacity={0.7} />
          {to - from > 60 && <text x={from + 4} y={(i + 0.5) * row + 4}>{shown.text}</text>}
        </g>
      ))}
      {Array.from({ length: range / 3600 }, (_, i) => (Math.floor(end / 3600) - i) * 3600_000).map((ms) => (
        <text key={ms} x={x(ms)} y={height - 26} textAnchor="middle">{dateTimeFormat(ms, { timeZone, format: "HH:mm" })}</text>
      ))}
      {legend.map(({ text, color }, i) => (
        <g key={text} transform={`translate(${8 + i * 100}, ${height - 10})`}>
          <rect width={14} height={4} y={-5} rx={2} fill={theme.visualization.getColorByName(color)} />
          <text x={20}>{text}</text>
        </g>
      ))}
    </svg>
  );
}

async function prepare(panel) {
  const column = (width + gap) / 24;
  const { x, y, w, h } = panel.gridPos;
  const place = { left: x * column, top: y * (cell + gap), width: w * column - gap, height: h * (cell + gap) - gap };
  let data = await frames(panel, place.width);
  if (panel.transformations) data = await lastValueFrom(transformDataFrame(panel.transformations, data));
  return { panel, place, shared: configured(panel, data) };
}

function Board({ panels }) {
  const when = (t) => dateTimeFormat(t, { timeZone, format: "YYYY-MM-DD HH:mm" });
  return (
    <div style={{ padding: 16, width: width + 32, background: theme.colors.background.canvas }}>
      <GlobalStyles />
      <div style={{ display: "flex", justifyContent: "space-between", paddingBottom: 12 }}>
        <span style={{ fontSize: 18, fontWeight: 500 }}>{board.title}</span>
        <span>{when(timeRange.from)} to {when(timeRange.to)} UTC</span>
      </div>
      <div style={{ position: "relative", height: Math.max(...panels.map(({ place }) => place.top + place.height)) }}>
        {panels.map(({ panel, place, shared }) => {
          const Drawn = drawn[panel.type];
          return (
            <div key={panel.id} style={{ position: "absolute", ...place }}>
              <PanelChrome title={panel.title} width={place.width} height={place.height}>
                {(innerWidth, innerHeight) => <Drawn panel={panel} shared={shared} width={innerWidth} height={innerHeight} />}
              </PanelChrome>
            </div>
          );
        })}
      </div>
    </div>
  );
}

const panels = await Promise.all(board.panels.map(prepare));
createRoot(document.body.appendChild(document.createElement("div"))).render(<Board panels={panels} />);
