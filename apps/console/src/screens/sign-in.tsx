import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Mark } from "@tideway/ui";
import { useEffect, useRef, useState } from "react";
import { signIn } from "../data/session.ts";
import { Failure } from "../parts/failure.tsx";

export interface SignInScreenProps {
  /** True when a session ended while its page was open. */
  readonly hasEnded: boolean;
}

/** Operators sign in here; the page they came for opens afterwards, as its address is kept. */
export function SignInScreen({ hasEnded }: SignInScreenProps) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const passwordField = useRef<HTMLInputElement>(null);
  const attempt = useMutation({
    mutationFn: () => signIn(client, { name: name.trim(), password }),
    onError: () => {
      setPassword("");
      passwordField.current?.focus();
    },
  });
  useEffect(() => {
    document.title = "Sign in \u00b7 Tideway console";
  }, []);
  return (
    <main className="sign-in">
      <form
        className="tw-card sign-in-card"
        onSubmit={(event) => {
          event.preventDefault();
          attempt.mutate();
        }}
      >
        <Greeting hasEnded={hasEnded} />
        <TextInput
          label="Name"
          name="name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          withAsterisk={false}
          maxLength={80}
          size="md"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordInput
          ref={passwordField}
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          maxLength={200}
          size="md"
          visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {attempt.error === null ? null : <Failure error={attempt.error} />}
        <Button type="submit" size="md" loading={attempt.isPending}>
          Sign in
        </Button>
      </form>
    </main>
  );
}

function Greeting({ hasEnded }: SignInScreenProps) {
  return (
    <>
      <div className="brand">
        <Mark size={28} />
        <h1>Tideway console</h1>
      </div>
      {hasEnded ? (
        <output className="tw-note" data-tone="warn">
          Your session ended. Sign in again to go on where you were.
        </output>
      ) : (
        <p className="tw-muted">For operators. People&rsquo;s accounts do not work here.</p>
      )}
    </>
  );
}
