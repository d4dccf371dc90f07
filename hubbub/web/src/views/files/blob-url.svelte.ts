/* The address of something that only this page has, for as long as a view shows it. */

export class BlobUrl {
  url = $state('')

  constructor(blob: () => Blob | undefined) {
    $effect(() => {
      const shown = blob()
      if (!shown) return
      const url = URL.createObjectURL(shown)
      this.url = url
      return () => {
        this.url = ''
        URL.revokeObjectURL(url)
      }
    })
  }
}
