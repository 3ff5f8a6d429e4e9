import { Link } from "@tanstack/react-router";
import type { ListedSaga } from "@tideway/api-admin";
import { useServerNow } from "../../data/use-now.ts";
import { count, moment, shortId } from "../../domain/format.ts";
import { ageWords, isOver, sagaName } from "../../domain/saga-words.ts";
import { SagaState } from "../../parts/saga-state.tsx";

/** A row a saga; what fails says why. */
export function SagaTable({ sagas }: { readonly sagas: readonly ListedSaga[] }) {
  const nowMs = useServerNow();
  return (
    <div className="tw-card table-box">
      <table className="facts sagas-table">
        <caption className="tw-hidden">Sagas, the newest first</caption>
        <thead>
          <tr>
            <th scope="col">Saga</th>
            <th scope="col">Service</th>
            <th scope="col">State</th>
            <th scope="col">Step</th>
            <th scope="col" className="number">
              Failed tries
            </th>
            <th scope="col" className="number">
              Begun
            </th>
            <th scope="col" className="number">
              Age
            </th>
            <th scope="col">Problem</th>
          </tr>
        </thead>
        <tbody>
          {sagas.map((saga) => (
            <SagaRow key={saga.saga} saga={saga} nowMs={nowMs} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SagaRow({ saga, nowMs }: { readonly saga: ListedSaga; readonly nowMs: number }) {
  return (
    <tr>
      <th scope="row" className="saga-name">
        <Link
          to="/sagas/$saga"
          params={{ saga: saga.saga }}
          search={{ service: saga.service }}
          title={saga.saga}
        >
          {sagaName(saga)}
        </Link>{" "}
        <code className="tw-muted small">{shortId(saga.saga)}</code>
      </th>
      <td>{saga.service}</td>
      <td>
        <SagaState saga={saga} shape="plain" />
      </td>
      <td data-label="step" data-empty={isOver(saga)}>
        {saga.step}
      </td>
      <td className="number" data-label="failed tries" data-empty={saga.attempts === 0}>
        {count(saga.attempts)}
      </td>
      <td className="number tw-muted" data-label="begun">
        <time dateTime={saga.startedAt}>{moment(Date.parse(saga.startedAt), nowMs)}</time>
      </td>
      <td className="number" {...(isOver(saga) ? {} : { "data-label": "for" })}>
        {ageWords(saga, nowMs)}
      </td>
      <td className="wrap saga-problem" data-empty={saga.problem === null}>
        {saga.problem === null ? (
          <span className="tw-muted">none</span>
        ) : (
          <span className="clamped" title={saga.problem}>
            {saga.problem}
          </span>
        )}
      </td>
    </tr>
  );
}
