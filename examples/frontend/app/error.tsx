"use client";

/** In the place of a page that could not be made, as while the database is away. The reason is in the server's log. */
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
