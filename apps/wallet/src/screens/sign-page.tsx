import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { Link } from "../navigation.tsx";
import { Page } from "@tideway/ui";
import { useState } from "react";
import type { FormEvent } from "react";
import { safeNextPath } from "../link/parse-pay-link.ts";
import { messages } from "../messages.ts";
import { Failure } from "../parts/failure.tsx";
import { openSession, publicIdentity } from "../session/browser-session.ts";
import "../parts/input-styles.ts";

export interface SignPageProps {
  readonly mode: "in" | "up";
  /** The page that asked for signing in. */
  readonly next: string | undefined;
}

/** Sign in and sign up are one form; signing up asks for a name too. */
export function SignPage({ mode, next }: SignPageProps) {
  const words = messages.sign;
  const [fields, setFields] = useState<Fields>({ name: "", email: "", password: "" });
  const router = useRouter();
  const sign = useMutation({
    mutationFn: () => {
      const { email, password, name } = { ...fields, email: fields.email.trim() };
      if (mode === "in") return publicIdentity.signIn({ body: { email, password } });
      return publicIdentity.register({ body: { email, password, name: name.trim() } });
    },
    onSuccess: (reply) => {
      openSession(reply);
      router.history.replace(safeNextPath(next, location.origin));
    },
  });
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (!sign.isPending) sign.mutate();
  };
  return (
    <div className="w-narrow">
      <Page title={mode === "in" ? words.inTitle : words.upTitle}>
        {mode === "in" && next !== undefined ? <p className="tw-muted">{words.ended}</p> : null}
        <form className="w-form" onSubmit={onSubmit}>
          <SignFields mode={mode} fields={fields} onChange={setFields} />
          {sign.isError ? <Failure error={sign.error} /> : null}
          <Button type="submit" loading={sign.isPending}>
            {mode === "in" ? words.inAction : words.upAction}
          </Button>
        </form>
        <OtherWay mode={mode} next={next} />
      </Page>
    </div>
  );
}

interface Fields {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

interface SignFieldsProps {
  readonly mode: "in" | "up";
  readonly fields: Fields;
  readonly onChange: (fields: Fields) => void;
}

function SignFields({ mode, fields, onChange }: SignFieldsProps) {
  const words = messages.sign;
  const set = (field: keyof Fields) => (event: { currentTarget: { value: string } }) =>
    onChange({ ...fields, [field]: event.currentTarget.value });
  return (
    <>
      {mode === "up" ? (
        <TextInput
          size="md"
          label={words.name}
          description={words.nameHint}
          autoComplete="name"
          required
          withAsterisk={false}
          maxLength={80}
          value={fields.name}
          onChange={set("name")}
        />
      ) : null}
      <TextInput
        size="md"
        label={words.email}
        type="email"
        autoComplete="username"
        required
        withAsterisk={false}
        maxLength={254}
        value={fields.email}
        onChange={set("email")}
      />
      <PasswordInput
        size="md"
        label={words.password}
        autoComplete={mode === "in" ? "current-password" : "new-password"}
        required
        withAsterisk={false}
        maxLength={200}
        value={fields.password}
        onChange={set("password")}
        visibilityToggleButtonProps={{ "aria-label": words.showPassword }}
      />
    </>
  );
}

function OtherWay({ mode, next }: SignPageProps) {
  const { noAccount, haveAccount, upAction, inAction } = messages.sign;
  const search = next === undefined ? {} : { next };
  return (
    <p className="tw-muted">
      {mode === "in" ? noAccount : haveAccount}{" "}
      <Link to={mode === "in" ? "/sign-up" : "/sign-in"} search={search}>
        {mode === "in" ? upAction : inAction}
      </Link>
    </p>
  );
}
