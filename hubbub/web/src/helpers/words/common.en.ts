export const en = {
  language: 'English',
  reload: 'Reload',
  close: 'Close',
  retry: 'Retry',
  remove: 'Delete',
  save: 'Save',
  cancel: 'Cancel',
  back: 'Back',
  undo: 'Undo',
  more: 'More',
  loadMore: 'Show more',
}
