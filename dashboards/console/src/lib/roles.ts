import type { Role } from "../api/types";

export const roleLabels: Record<Role, string> = {
  admin: "Administrator",
  compliance_officer: "Compliance officer",
  viewer: "Viewer",
};
