import { Skeleton } from "@mantine/core";

/** A form on its way: two fields, a longer one, the button. */
export function FormSkeleton() {
  return (
    <div aria-busy="true" className="w-form">
      <Skeleton height={68} />
      <Skeleton height={76} />
      <Skeleton height={68} />
      <Skeleton height={50} />
    </div>
  );
}
