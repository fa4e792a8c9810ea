import { Component, type ReactNode } from 'react'

/** Shows nothing in place of what breaks, such as code that is gone after an update: the page around it goes on. */
export class Quiet extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false }

  static getDerivedStateFromError() {
    return { broken: true }
  }

  override render() {
    return !this.state.broken && this.props.children
  }
}
