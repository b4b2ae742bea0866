import { CopyButton } from "../../components/copy-button";
import { Field } from "../../components/ui";
import { useTenants, useUser } from "../../session/hooks";

/** A secret that the server keeps only as a hash, so this is the one time it can be seen. */
export function ShownOnce({ what, secret }: { what: string; secret: string }) {
  return (
    <div role="status" className="m-3 rounded-md border border-warn bg-warn-soft px-3 py-2">
      <p className="font-semibold text-warn">{what}: copy it now, it cannot be shown again.</p>
      <p className="flex items-center gap-2">
        <code className="font-mono break-all">{secret}</code>
        <CopyButton text={secret} />
      </p>
    </div>
  );
}

interface TenantFieldProps {
  value: string;
  onChange: (tenant: string) => void;
  /** Offers every tenant at once, to users who have them all. */
  withAll?: boolean;
}

export function TenantField({ value, onChange, withAll = false }: TenantFieldProps) {
  const tenants = useTenants();
  const user = useUser();
  return (
    <Field label="Tenant">
      <select className="field" required value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">–</option>
        {withAll && user.tenant === "*" && <option value="*">Every tenant</option>}
        {tenants.map((tenant) => (
          <option key={tenant.id} value={tenant.id}>
            {tenant.name}
          </option>
        ))}
      </select>
    </Field>
  );
}
