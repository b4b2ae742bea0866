import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Navigate, useSearchParams } from "react-router";
import { signIn } from "../api/calls";
import { ApiError } from "../api/problem";
import { ErrorPanel } from "../components/error-panel";
import { Button, Field } from "../components/ui";
import { localPath } from "../lib/local-path";
import { credentials } from "../session/credentials";
import { useSession } from "../session/hooks";

export function SignInView() {
  const session = useSession();
  const [parameters] = useSearchParams();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const attempt = useMutation({
    mutationFn: () => signIn(email.trim(), password),
    onSuccess: (answer) => credentials.signIn(answer),
  });

  if (session) return <Navigate to={localPath(parameters.get("next"))} replace />;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  const refused = attempt.error instanceof ApiError && attempt.error.status === 401;

  return (
    <main className="flex min-h-full items-center justify-center p-4">
      <div className="w-[22rem]">
        <div className="mb-4 flex items-center gap-2.5">
          <img src="/favicon.svg" alt="" className="size-8" />
          <div>
            <h1 className="text-base leading-tight font-semibold">AI Audit Layer</h1>
            <p className="text-muted">The flight recorder for AI decisions</p>
          </div>
        </div>
        {credentials.expired && (
          <p role="status" className="mb-3 rounded-md bg-warn-soft px-3 py-2 text-warn">
            Your session ended. Sign in and you are back where you were.
          </p>
        )}
        <form onSubmit={submit} className="space-y-3 rounded-md border border-line bg-panel p-4">
          <Field label="E-mail">
            <input
              className="field"
              type="email"
              name="email"
              autoComplete="username"
              required
              // biome-ignore lint/a11y/noAutofocus: the page has nothing else to do
              autoFocus
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          </Field>
          <Field label="Password">
            <input
              className="field"
              type="password"
              name="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          </Field>
          {refused && (
            <p role="alert" className="text-bad">
              E-mail or password is wrong.
            </p>
          )}
          {attempt.isError && !refused && <ErrorPanel error={attempt.error} />}
          <Button type="submit" look="primary" className="w-full" disabled={attempt.isPending}>
            {attempt.isPending ? "Signing in…" : "Sign in"}
          </Button>
        </form>
        <p className="mt-3 text-xs text-muted">
          Every read of audit data is recorded. The first administrator's password is printed once, when the
          service starts for the first time.{" "}
          <a className="underline" href="/licences.txt">
            Licences
          </a>
        </p>
      </div>
    </main>
  );
}
