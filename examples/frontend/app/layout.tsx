import type { Metadata, Viewport } from "next";
import "./style.css";

export const metadata: Metadata = { title: { default: "Todo", template: "%s · Todo" } };

export const viewport: Viewport = { colorScheme: "light dark" };

export default function Layout({ children }: { children: React.ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
