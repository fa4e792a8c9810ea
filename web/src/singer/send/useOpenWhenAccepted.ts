import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { usePermitted } from '../../session/session'
import { useKept } from '../record/studio'
import type { Sending } from './queue'

/** Opens the page of a recording that was sent alone, as soon as the server has it. */
export function useOpenWhenAccepted(items: readonly Sending[]) {
  const navigate = useNavigate()
  const mayRead = usePermitted('read')
  // Another page would end a take that is being recorded.
  const recording = useKept() !== undefined
  const known = useRef(new Set(items.filter((item) => item.upload).map((item) => item.key)))
  useEffect(() => {
    const fresh = items.filter((item) => item.upload && !known.current.has(item.key))
    for (const item of fresh) known.current.add(item.key)
    const [only] = fresh
    const alone = items.every((item) => item.state === 'accepted')
    if (!only?.upload || !only.open || !alone || !mayRead || recording) return
    void navigate({ to: '/uploads/$id', params: { id: only.upload } })
  }, [items, navigate, mayRead, recording])
}
