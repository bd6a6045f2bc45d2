"use client";

/** Replaces a page that failed to render, for example while the database is unreachable. The server logs the reason. */
export default function Failure() {
  return (
    <main className="narrow">
      <title>Something went wrong · Todo</title>
      <h1>Something went wrong</h1>
      <p role="alert" className="notice">
        This page could not be made just now.
      </p>
      <button className="primary" onClick={() => window.location.reload()}>
        Try again
      </button>
    </main>
  );
}
