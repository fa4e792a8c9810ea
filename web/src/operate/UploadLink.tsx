import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { usePermitted } from '../session/session'

type Props = {
  id: string
  className?: string | undefined
  /** Stands in its place for whoever may not open that page. */
  otherwise?: ReactNode
  children: ReactNode
}

/** A link to what operators see of an upload, for those whose key may read uploads. */
export function UploadLink({ id, className, otherwise = null, children }: Props) {
  const operates = usePermitted('operate')
  const reads = usePermitted('read')
  if (!operates || !reads) return otherwise
  return (
    <Link to="/operate/uploads/$id" params={{ id }} className={className}>
      {children}
    </Link>
  )
}
