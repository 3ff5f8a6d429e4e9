import { Checkbox, NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { statusQuery } from "../../data/queries.ts";
import { SAGA_STATES, readSagasSearch } from "../../domain/search.ts";

/** Service, state and attention, all in the address. */
export function SagaFilters() {
  const search = useSearch({ from: "/sagas" });
  const navigate = useNavigate({ from: "/sagas" });
  const status = useQuery(statusQuery);
  const services = status.data?.services.map(({ service }) => service) ?? [];
  const named = search.service === undefined ? [] : [search.service];
  const change = (part: Record<string, unknown>): void => {
    void navigate({ search: readSagasSearch({ ...search, ...part }), replace: true });
  };
  return (
    <search className="filters" aria-label="Filters">
      <NativeSelect
        data-filter
        aria-label="Service"
        value={search.service ?? ""}
        data={[
          { value: "", label: "All services" },
          ...new Set([...services, ...named].toSorted()),
        ]}
        onChange={(event) => change({ service: event.currentTarget.value })}
      />
      <NativeSelect
        aria-label="State"
        value={search.state ?? ""}
        data={[{ value: "", label: "Any state" }, ...SAGA_STATES]}
        onChange={(event) => change({ state: event.currentTarget.value })}
      />
      <Checkbox
        label="Needs attention"
        checked={search.attention === true}
        onChange={(event) => change({ attention: event.currentTarget.checked })}
      />
    </search>
  );
}
